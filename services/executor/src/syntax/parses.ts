/** Whether the real grammar of a language accepts a whole text. Parsers are loaded when they are first needed. */
import { execFile } from 'node:child_process'
import { stripTypeScriptTypes } from 'node:module'
import { Script } from 'node:vm'
import { yamlFault } from '@deed/config/yaml-fault'
import type { Syntax } from '@deed/proto/observation'
import { validate } from 'dockerfile-utils'
import { parseElixir } from './elixir.ts'

export type Parsed =
  | { outcome: 'verified' | 'failed'; observed: string; parser: string }
  | { outcome: 'unverified'; observed: string }

/** A parser that could not be asked is `unverified`: not having looked is not having seen. */
export async function parses(syntax: Syntax, bytes: Uint8Array): Promise<Parsed> {
  let source: string
  try {
    source = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { outcome: 'failed', observed: `it is not ${syntax}: it is not UTF-8`, parser: 'utf-8' }
  }
  const { parser, fault } = await PARSERS[syntax](source)
  if (parser === undefined) return { outcome: 'unverified', observed: `${fault}, so it was not parsed` }
  return fault === undefined
    ? { outcome: 'verified', observed: `${parser} accepts it as ${syntax}`, parser }
    : { outcome: 'failed', observed: `${parser} does not accept it as ${syntax}: ${fault}`, parser }
}

interface Answer {
  /** Absent when no parser could be asked; then `fault` says why. */
  parser: string | undefined
  fault?: string | undefined
}
type Parse = (source: string) => Answer | Promise<Answer>

const PARSERS: Record<Syntax, Parse> = {
  elixir: async (source) => ({ parser: 'tree-sitter-elixir', fault: await parseElixir(source) }),
  typescript: (source) => ({
    parser: 'node',
    fault: thrown(() => stripTypeScriptTypes(source, { mode: 'transform' })),
  }),
  javascript: (source) => ({ parser: 'node', fault: javascriptFault(source) }),
  json: (source) => ({ parser: 'node', fault: thrown(() => JSON.parse(source)) }),
  yaml: (source) => ({ parser: 'yaml', fault: yamlFault(source) }),
  python: byProgram('python3', ['-I', '-S', '-c', 'import ast, sys; ast.parse(sys.stdin.buffer.read())']),
  bash: byProgram('bash', ['--norc', '--noprofile', '-n']),
  go: byProgram('gofmt', ['-e']),
  rust: byProgram('rustfmt', ['--quiet', '--edition', '2021', '--emit', 'stdout']),
  // PostgreSQL's own grammar.
  sql: async (source) => ({ parser: 'libpg-query', fault: await sqlFault(source) }),
  dockerfile: (source) => ({ parser: 'dockerfile-utils', fault: dockerfileFault(source) }),
}

async function sqlFault(source: string): Promise<string | undefined> {
  const { loadModule, parseSync } = await import('libpg-query')
  await loadModule()
  return thrown(() => parseSync(source))
}

function dockerfileFault(source: string): string | undefined {
  const fault = validate(source).find(({ severity }) => severity === ERROR)
  if (fault === undefined) return undefined
  const { message, range } = fault
  return `line ${range.start.line + 1}: ${firstLine(typeof message === 'string' ? message : message.value)}`
}

/** As a script, else as a module; a module goes through the TypeScript parser, which must find no types to take out. */
function javascriptFault(source: string): string | undefined {
  const asScript = thrown(() => new Script(source))
  if (asScript === undefined) return undefined
  let plain = ''
  const asModule = thrown(() => {
    plain = stripTypeScriptTypes(source, { mode: 'strip' })
  })
  return asModule === undefined && plain === source ? undefined : (asModule ?? asScript)
}

function thrown(parse: () => unknown): string | undefined {
  try {
    parse()
    return undefined
  } catch (error) {
    return firstLine(error instanceof Error ? error.message : String(error))
  }
}

const PROGRAM_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/local/go/bin'
const PROGRAM_MS_MAX = 10_000

/** The language's own tool, asked to parse standard input and to run nothing of it. */
function byProgram(program: string, args: readonly string[]): Parse {
  return (source) =>
    new Promise((resolve) => {
      const child = execFile(
        program,
        [...args],
        { env: { PATH: PROGRAM_PATH, LANG: 'C.UTF-8' }, timeout: PROGRAM_MS_MAX, cwd: '/' },
        (error, _, stderr) => {
          if (error === null) resolve({ parser: program })
          else if (typeof error.code === 'number') resolve({ parser: program, fault: lastLine(stderr) })
          else resolve({ parser: undefined, fault: `${program} could not be asked on this host` })
        },
      )
      // A program that is not there, or has seen enough, closes its end.
      child.stdin?.on('error', () => undefined)
      child.stdin?.end(source)
    })
}

/** The severity of a diagnostic that Docker would refuse; others are warnings. */
const ERROR = 1

const firstLine = (text: string) => text.split('\n', 1)[0]!.slice(0, 500)
const lastLine = (text: string) => (text.trim().split('\n').at(-1) ?? 'it said nothing').slice(0, 500)

// Every shipped template, rendered with its defaults and with names from real requests, is parsed by its language's own
// parser. If a machine lacks the toolchain of a language, the title of the skipped test says so.
import { execFileSync, spawnSync } from 'node:child_process'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'
import { renderTemplate } from '@deed/template/render'
import { beforeAll, describe, expect, it } from 'vitest'
import { Language as Grammar, Parser } from 'web-tree-sitter'
import { parseAllDocuments } from 'yaml'
import { type Catalogue, loadCatalogue } from './catalogue.ts'
import { TASK_TYPES } from './task-type-vocabulary.ts'
import type { Template } from './template-file.ts'

const FOLDER = fileURLToPath(new URL('../../templates', import.meta.url))
const catalogue: Catalogue = await loadCatalogue([FOLDER])

/** Values as requests give them: several words, mixed case, digits, prose with quotes. */
const VALUES: readonly Record<string, string>[] = [
  {},
  {
    name: 'order-shipment V2',
    description: 'Processes "order shipments"; it\'s the 2nd version */ #{really} $\u007bso} -- and\nmore',
    namespace: 'shop_backend',
    stream: 'ORDERS',
    subject: 'orders.*.shipped',
  },
  { name: 'class', description: 'Über alles', namespace: '3D', subject: 'a.>' },
]

let elixir: Parser

beforeAll(async () => {
  await Parser.init()
  const require = createRequire(import.meta.url)
  const wasm = require.resolve('tree-sitter-elixir/tree-sitter-elixir.wasm')
  elixir = new Parser()
  elixir.setLanguage(await Grammar.load(wasm))
})

const PARSERS: Record<Template['language'], (code: string) => void> = {
  elixir: readElixir,
  typescript: (code) => readModule(stripTypeScriptTypes(code)),
  javascript: readModule,
  python: (code) => run('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], code),
  go: (code) => {
    expect(run('gofmt', ['-e'], code)).not.toBe('')
  },
  bash: (code) => run('bash', ['-n'], code),
  yaml: (code) => {
    for (const document of parseAllDocuments(code)) expect(document.errors).toEqual([])
  },
  // PostgreSQL itself runs it in `store/shipped-sql.test.ts`.
  sql: (code) => expect(code).toMatch(/^BEGIN;$/m),
  rust: () => {
    throw new Error('there is no parser of Rust here')
  },
  any: (code) => expect(code).not.toContain('{{'),
}

function readElixir(code: string): void {
  const tree = elixir.parse(code)
  expect(tree?.rootNode.hasError, code).toBe(false)
}

/** Node's own parser in a separate process; nothing is imported or executed. */
function readModule(code: string): void {
  run(process.execPath, ['--input-type=module', '--check', '-'], code)
}

function run(command: string, parameters: string[], input: string): string {
  return execFileSync(command, parameters, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] })
}

/** The command that parses a language without a parser package. */
const TOOLS: Partial<Record<Template['language'], string>> = { python: 'python3', go: 'gofmt', bash: 'bash' }

/** The tool for a language, if this machine lacks it. */
function missingTool(language: Template['language']): string | undefined {
  const tool = TOOLS[language]
  return tool !== undefined && spawnSync(tool, ['--help']).error ? tool : undefined
}

describe('a shipped template', () => {
  for (const template of catalogue.templates) {
    const missing = missingTool(template.language)
    const title = `${template.id} is parsed by its language with all values`
    it.skipIf(missing)(missing === undefined ? title : `${title} (skipped: ${missing} is not installed)`, () => {
      for (const values of VALUES) {
        const known = Object.fromEntries(
          Object.entries(values).filter(([name]) => Object.hasOwn(template.variables, name)),
        )
        PARSERS[template.language](renderTemplate(template, known))
        const path = renderTemplate({ body: template.file ?? 'x', variables: template.variables }, known)
        expect(path).toMatch(/^[a-z0-9_]+(?:[-./][a-z0-9_]+)*$/)
      }
    })
  }

  it('exists for everything that is promised', () => {
    const ids = catalogue.templates.map(({ id }) => id)
    expect(ids.length).toBeGreaterThanOrEqual(16)
    expect(ids).toEqual(expect.arrayContaining(['nats_consumer.elixir', 'api_endpoint.python', 'universal.any']))
  })

  it('is rejected by the parser if it is broken', () => {
    expect(() => readElixir('defmodule X do def y( end')).toThrow()
    expect(() => PARSERS.typescript('export const x: = 1')).toThrow()
    // Without the tool, each of these throws as well.
    expect(() => PARSERS.python('def x(:')).toThrow()
    expect(() => PARSERS.go('package main\nfunc {')).toThrow()
    expect(() => PARSERS.bash('if true; then')).toThrow()
    expect(() => PARSERS.yaml('a: [1')).toThrow()
  })
})

describe('what fits a task', () => {
  it('always includes the universal template last', () => {
    for (const taskType of TASK_TYPES) {
      for (const language of [undefined, 'elixir', 'rust', 'sql'] as const) {
        const groups = catalogue.fitting({ taskType, language, complexity: undefined })
        expect(groups.at(-1)?.map(({ id }) => id)).toEqual(['universal.any'])
        expect(groups.every((group) => group.length > 0)).toBe(true)
      }
    }
  })

  it.each([
    ['nats_consumer', 'elixir', 'nats_consumer.elixir'],
    ['nats_consumer', undefined, 'nats_consumer.typescript'],
    ['database', undefined, 'database.sql'],
    ['bugfix', 'python', 'generic.python'],
    ['bugfix', 'rust', 'universal.any'],
    ['documentation', 'go', 'documentation.any'],
  ] as const)('is %s in %s: %s', (taskType, language, id) => {
    expect(catalogue.fitting({ taskType, language, complexity: undefined })[0]?.[0]?.id).toBe(id)
  })
})

/** A real Jaeger: the program of the machine, or one that was built from its source with Go. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { until } from '@deed/process/until'

const VERSION = 'v1.76.0'
const PACKAGE = 'github.com/jaegertracing/jaeger/cmd/jaeger'
const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache/jaeger')
const BUILT = join(CACHE, `jaeger-${VERSION}`)
const STOP_MS_MAX = 5_000

export interface Jaeger extends AsyncDisposable {
  /** Of the query API and, if the program has it, of the page. */
  readonly url: string
  /** Of OTLP over HTTP. */
  readonly collectorUrl: string
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>
}

/** The program: JAEGER_BIN, one on the PATH, or one that `buildJaeger` has built; undefined without any. */
export function findJaeger(env: NodeJS.ProcessEnv): string | undefined {
  const onPath = (env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'jaeger'))
  return [...(env.JAEGER_BIN ? [env.JAEGER_BIN] : []), ...onPath, BUILT].find(isProgram)
}

/**
 * Builds it with Go, which takes minutes, and keeps it. Without the page, which Go alone does not build.
 *
 * @throws if there is no Go, or it cannot fetch the source
 */
export function buildJaeger(): string {
  mkdirSync(CACHE, { recursive: true })
  writeFileSync(join(CACHE, 'go.mod'), 'module jaeger-for-tests\n\ngo 1.24\n')
  const go = (...words: string[]) => execFileSync('go', words, { cwd: CACHE, stdio: 'inherit' })
  go('get', `${PACKAGE}@${VERSION}`)
  go('build', '-o', `${BUILT}.new`, PACKAGE)
  renameSync(`${BUILT}.new`, BUILT)
  return BUILT
}

/** Resolves when it answers. Disposing ends it. */
export async function startJaeger(program: string, ports: { query: number; otlp: number }): Promise<Jaeger> {
  const child = spawn(program, ['--config', join(import.meta.dirname, 'jaeger.yaml')], {
    env: {
      PATH: process.env.PATH,
      JAEGER_QUERY_PORT: String(ports.query),
      JAEGER_OTLP_PORT: String(ports.otlp),
      // Of its own work it would make spans, too.
      OTEL_TRACES_SAMPLER: 'always_off',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(child, 'exit').then(() => undefined)
  const url = `http://127.0.0.1:${ports.query}`
  try {
    await Promise.race([
      until(async () => (await fetch(`${url}/api/services`)).ok, { what: 'Jaeger answers' }),
      ended.then(() => Promise.reject(new Error(`${program} ended at once; are its ports in use?`))),
    ])
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return {
    url,
    collectorUrl: `http://127.0.0.1:${ports.otlp}`,
    ended,
    [Symbol.asyncDispose]: () => end(child, ended),
  }
}

async function end(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
  await ended
  clearTimeout(late)
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

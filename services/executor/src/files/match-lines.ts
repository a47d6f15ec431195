/**
 * Which lines have a text, or match a regular expression. An expression of somebody else may take longer than anybody can
 * wait, so it runs in a thread of its own, which is ended then.
 */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { MODULE_EXTENSION } from '@deed/config/module-extension'
import { DeedError } from '@deed/proto/errors'

/** The index of a line, and where in it the first match begins. */
export type Hit = readonly [line: number, at: number]

export interface LineMatcher extends AsyncDisposable {
  /** @throws {DeedError} `limit_exceeded` for an expression that takes too long; after that it matches nothing more */
  hits(lines: readonly string[]): Promise<readonly Hit[]>
}

export function matchText(text: string, ignoreCase: boolean): LineMatcher {
  const plain = (line: string) => (ignoreCase ? line.toLowerCase() : line)
  const wanted = plain(text)
  return {
    hits: async (lines) =>
      lines.flatMap((line, index): Hit[] => {
        const at = plain(line).indexOf(wanted)
        return at === -1 ? [] : [[index, at]]
      }),
    [Symbol.asyncDispose]: async () => undefined,
  }
}

const MEMORY_MB_MAX = 256

/** @throws {DeedError} `invalid_request` for what is no regular expression */
export function refuseMalformed(source: string): void {
  try {
    new RegExp(source, 'u')
  } catch (error) {
    throw new DeedError('invalid_request', (error as Error).message, { path: '$.input.regex' })
  }
}

/** @param msMax how long it may take for the lines of one call */
export async function matchExpression(source: string, ignoreCase: boolean, msMax: number): Promise<LineMatcher> {
  refuseMalformed(source)
  const worker = new Worker(new URL(`./match-lines-thread${MODULE_EXTENSION}`, import.meta.url), {
    workerData: { source, flags: ignoreCase ? 'iu' : 'u' },
    // None of what this process is given is meant for it.
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB_MAX },
  })
  // It may still fail when nobody waits for it any more.
  worker.on('error', () => undefined)
  await once(worker, 'message')
  return {
    async hits(lines) {
      worker.postMessage(lines)
      try {
        const [hits] = await once(worker, 'message', { signal: AbortSignal.timeout(msMax) })
        return hits
      } catch (error) {
        const { name, message } = error as Error
        const why = name === 'AbortError' ? `takes more than ${msMax} ms for a few lines` : `cannot be run: ${message}`
        throw new DeedError('limit_exceeded', `the expression ${why}; simplify it`, { path: '$.input.regex' })
      }
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate()
    },
  }
}

/** Who a request over HTTP comes from: a bearer token of the configuration, or nobody. */
import { createHash } from 'node:crypto'
import type { AgentToken } from '@deed/config/mcp-settings'

const FAILURES_MAX = 100
const WINDOW_MS = 60_000

export interface Bearers {
  /** @returns undefined for nobody; 'wait' after too many failures. @param header `Authorization` */
  find(header: string | undefined): AgentToken | 'wait' | undefined
}

/** @param now in milliseconds */
export function openBearers(tokens: readonly AgentToken[], now: () => number = Date.now): Bearers {
  const byHash = new Map(tokens.map((token) => [token.sha256, token]))
  let begun = now()
  let failures = 0
  return {
    find(header) {
      const [, given] = /^Bearer ([!-~]{1,512})$/i.exec(header ?? '') ?? []
      const found = given === undefined ? undefined : byHash.get(createHash('sha256').update(given).digest('hex'))
      if (found) return found
      if (now() - begun >= WINDOW_MS) [begun, failures] = [now(), 0]
      // A client that asks without a token is told to bring one; guesses are counted.
      if (given !== undefined) failures++
      return failures > FAILURES_MAX ? 'wait' : undefined
    },
  }
}

/**
 * http.check: whether an address answers, with which status and how fast, where it redirects to, and how long its
 * certificate is valid. That nobody answers is an answer, too, unless a status is expected.
 */
import { counted } from '@deed/config/counted'
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import { z } from 'zod'
import type { Context, Effect, Kind } from '../kind/kind.ts'
import { readingOnly } from '../kind/reading-only.ts'
import { type Certificate, certificateAt } from './certificate.ts'
import { guardedRequest } from './guarded-request.ts'
import { resolveUrl } from './resolve-url.ts'

const CHECK_MS_MAX = 10_000

const Input = z.strictObject({
  url: z.url().max(8192).optional(),
  target: z.string().max(256).optional(),
  /** Below the target's URL. */
  path: z.string().max(2048).optional(),
  /** That it must answer with, after redirects; absent: any will do, and none is an answer. */
  status: z.int().min(100).max(599).optional(),
})
export type HttpCheck = z.output<typeof Input>

export const httpCheck: Kind<HttpCheck> = {
  ...readingOnly,
  name: 'http.check',
  version: 1,
  input: Input,
  example: { target: 'status-page', path: '/api/status', status: 200 },
  summary: ({ target, url, path, status }) =>
    `check ${target ?? url}${path === undefined ? '' : ` ${path}`}${status === undefined ? '' : ` for status ${status}`}`,
  async before(input, { world }) {
    if (resolveUrl(input, world).once)
      throw new DeedError('invalid_request', `${input.path} of ${input.target} may be asked for only once`)
    return { state: 'read' }
  },
  postcondition: () => ({ kind: 'same_again' }),
  execute: (input, context) => check(input, context),
  async again(input, context, first) {
    const second = await check(input, context)
    const same = first.facts?.status === second.facts?.status && first.facts?.valid_to === second.facts?.valid_to
    if (!same) Object.assign(first, second)
    const expected = input.status === undefined || second.facts?.status === input.status
    const observed = `a second request${same ? '' : ' differs'}: ${second.claimed}${expected ? '' : `, not ${input.status}`}`
    return { outcome: same && expected ? 'verified' : 'failed', same, observed, facts: second.facts ?? {} }
  },
  environment: ({ target }, { config }) => (target === undefined ? undefined : config.targets[target]?.environment),
}

/** What came of one request. */
interface Answer {
  /** null: none came. */
  readonly status: number | null
  readonly text: string
  readonly ms: number
  readonly redirects: readonly string[]
}

async function check(input: HttpCheck, { world, action, signal }: Context): Promise<Effect> {
  const { url, trustedOrigin } = resolveUrl(input, world)
  const timeoutMs = Math.min(action.timeout_ms, CHECK_MS_MAX)
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const answer = await answerOf(url, trustedOrigin, timeoutMs, signal)
  const certificate = url.startsWith('https:') ? await certificateAt(url, trustedOrigin, inTime) : undefined
  signal.throwIfAborted()
  const { status, text, ms, redirects } = answer
  const claimed = [`${nameOf(input)} ${text}`, ...(certificate ? [validityOf(certificate)] : [])].join('; ')
  const data: JsonObject = {
    url: nameOf(input),
    status,
    ms,
    redirects: [...redirects],
    certificate: certificate ?? null,
  }
  return { claimed, result: { text: claimed, data }, facts: { status, valid_to: certificate?.valid_to ?? null } }
}

const nameOf = ({ target, url, path }: HttpCheck): string =>
  target === undefined ? url! : path === undefined ? target : `${target} ${path}`

async function answerOf(
  url: string,
  trustedOrigin: string | undefined,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  const from = performance.now()
  const elapsed = () => Math.round(performance.now() - from)
  try {
    const options = { method: 'GET', headers: {}, headersOnly: true, timeoutMs, signal } as const
    const { status, redirects } = await guardedRequest({ ...options, url, trustedOrigin })
    const ms = elapsed()
    const over = redirects.length === 0 ? '' : `, over ${counted(redirects.length, 'redirect')} to ${redirects.at(-1)}`
    return { status, text: `answers ${status} in ${ms} ms${over}`, ms, redirects }
  } catch (error) {
    // Nobody there is something that was seen; being kept from it, or out of time for all of it, is not.
    signal.throwIfAborted()
    if (!(error instanceof DeedError) || !NO_ANSWER.has(error.code)) throw error
    return { status: null, text: `does not answer: ${error.message}`, ms: elapsed(), redirects: [] }
  }
}

const NO_ANSWER: ReadonlySet<string> = new Set(['unavailable', 'deadline_exceeded', 'effect_failed', 'limit_exceeded'])

function validityOf({ valid_to, days_left }: Certificate): string {
  const day = valid_to.slice(0, 10)
  if (days_left < 0) return `its certificate has expired on ${day}`
  return `its certificate expires on ${day}, in ${counted(days_left, 'day')}`
}

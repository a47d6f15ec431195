/**
 * http.request: one request to a named target or a public address. GET and HEAD read. Others change something somewhere
 * that nobody here can undo, and whose postcondition only the caller knows: they need `verify`.
 */

import { counted } from '@deed/config/counted'
import { sha256 } from '@deed/json/canonical-json'
import type { ActionResult } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { defined } from '@deed/proto/json'
import type { Observation } from '@deed/proto/observation'
import { z } from 'zod'
import type { Context, Effect, Kind } from '../kind/kind.ts'
import { isPassingStatus } from '../kind/passing-faults.ts'
import { readingOnly } from '../kind/reading-only.ts'
import { fillSecrets } from '../kind/secrets.ts'
import { type GuardedAnswer, guardedRequest, isUnreached } from './guarded-request.ts'
import { resolveUrl } from './resolve-url.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const TEXT_CHARS_MAX = 65_000

const Input = z.strictObject({
  method: z.enum(METHODS).default('GET'),
  url: z.url().max(8192).optional(),
  target: z.string().max(256).optional(),
  /** Below the target's URL. */
  path: z.string().max(2048).optional(),
  /** A value may hold `{{secret.<name>}}`, where the request goes to a target. */
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/), z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/))
    .default({}),
  body: z.string().max(500_000).optional(),
  /** Of a GET or HEAD; false: it is asked exactly once, and no second request confirms its answer. */
  repeatable: z.boolean().default(true),
})
export type HttpRequest = z.output<typeof Input>

const isRead = ({ method }: HttpRequest) => method === 'GET' || method === 'HEAD'

/** Whether the proof is that the very address is not there any more. */
const saysGone = ({ target, url, path }: HttpRequest, verify: Observation | undefined): boolean =>
  verify?.kind === 'http' &&
  (verify.status === 404 || verify.status === 410) &&
  verify.target === target &&
  verify.url === url &&
  verify.path === path

export const httpRequest: Kind<HttpRequest> = {
  ...readingOnly,
  name: 'http.request',
  version: 1,
  input: Input,
  // For the others the target is given the action's id as Idempotency-Key, so that it can tell a repeat.
  idempotent: true,
  example: { method: 'GET', target: 'status-page', path: '/api/status' },
  effectOf: (input) => (isRead(input) ? 'read' : input.method === 'DELETE' ? 'delete' : 'change'),
  summary: ({ method, target, url, path }) => `${method} ${target ?? url}${path === undefined ? '' : ` ${path}`}`,
  async before(input, { world, action }) {
    const { once } = resolveUrl(input, world)
    secretHeaders(input, world)
    if (isRead(input)) return { state: 'unknown', ...(once || !input.repeatable ? { once: true } : {}) }
    if (!input.repeatable)
      throw new DeedError(
        'invalid_request',
        'repeatable is for GET and HEAD: others are never repeated to confirm them',
        {
          path: '$.input.repeatable',
        },
      )
    if (action.verify === undefined)
      throw new DeedError('invalid_request', `a ${input.method} needs verify: its answer alone proves nothing`)
    return { state: 'unknown' }
  },
  reversibility: (input) => (isRead(input) ? 'reversible' : 'irreversible'),
  mayHoldAlready: (input) => !isRead(input),
  nothingLeft: (input, _before, { verify }) => input.method === 'DELETE' && saysGone(input, verify),
  takesVerify: true,
  postcondition: (_input, { once }, { verify }) => verify ?? { kind: once ? 'asked_once' : 'answers_again' },
  async execute(input, context, { once }) {
    let sent = 0
    const answer = await ask(input, context, () => {
      if (!isRead(input) || once) context.begin()
      sent++
    }).catch((error: unknown) => {
      if (sent === 1 && isUnreached(error)) context.nothingDone()
      throw error
    })
    if (answer.status >= 400 && !isRead(input))
      throw new DeedError(
        isPassingStatus(answer.status) ? 'unavailable' : 'effect_failed',
        `the target answered ${answer.status}`,
        {
          details: { status: answer.status },
        },
      )
    return effectOf(answer)
  },
  async again(input, context, first) {
    const etag = validatorOf(input, first)
    const again = etag === undefined ? input : { ...input, headers: { ...input.headers, 'if-none-match': etag } }
    const answer = await ask(again, context, () => undefined)
    if (etag !== undefined && answer.status === 304)
      return {
        outcome: 'verified',
        same: true,
        observed: `a second request was answered 304: still ${etag}`,
        facts: { etag },
      }
    const facts = { status: answer.status, body_sha256: sha256(answer.body) }
    if (answer.status !== first.facts?.status) {
      const before = String(first.facts?.status)
      Object.assign(first, effectOf(answer))
      return {
        outcome: 'failed',
        same: false,
        observed: `a second request was answered ${answer.status}, not ${before}`,
        facts,
      }
    }
    const same = first.facts?.body_sha256 === facts.body_sha256
    const body = same ? 'the same body' : 'another body, which moves'
    return { outcome: 'verified', same, observed: `a second request was answered ${answer.status} with ${body}`, facts }
  },
  async targetState(input) {
    if (isRead(input)) return readingOnly.targetState()
    return { at: 'unknown', observed: 'what the request has changed is unknown' }
  },
  async compensate(input) {
    throw new DeedError('not_undoable', `a ${input.method} cannot be undone`)
  },
  environment: ({ target }, { config }) => (target === undefined ? undefined : config.targets[target]?.environment),
}

/** What the server itself tells its answer by: the second request then need not bring the same body again. */
function validatorOf({ method, headers }: HttpRequest, { facts }: Effect): string | undefined {
  const own = Object.keys(headers).some((name) => /^if-/i.test(name))
  return method === 'GET' && facts?.status === 200 && typeof facts.etag === 'string' && !own ? facts.etag : undefined
}

function ask(
  input: HttpRequest,
  { world, action, actionId, signal }: Context,
  beforeSend: () => void,
): Promise<GuardedAnswer> {
  const { url, trustedOrigin } = resolveUrl(input, world)
  const own = secretHeaders(input, world)
  const headers = isRead(input) ? own : { ...own, 'idempotency-key': actionId }
  const { method, body } = input
  return guardedRequest({ method, url, headers, body, trustedOrigin, timeoutMs: action.timeout_ms, signal, beforeSend })
}

/** @throws {DeedError} where a secret would go to an address that the configuration does not vouch for */
function secretHeaders({ headers, target }: HttpRequest, world: Context['world']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const filled = fillSecrets(value, world)
      if (filled !== value && target === undefined)
        throw new DeedError('invalid_request', 'a secret is sent to a target of execution.yaml only, not to a url')
      return [name, filled]
    }),
  )
}

function effectOf({ status, headers, body }: GuardedAnswer): Effect {
  const type = headers['content-type'] ?? ''
  const text = /json|text|xml|javascript|^$/.test(type) ? body.toString().slice(0, TEXT_CHARS_MAX) : undefined
  const result: ActionResult = {
    text: `${status}, ${counted(body.length, 'byte')}${type === '' ? '' : ` of ${type}`}`,
    data: { status, content_type: type, bytes: body.length, ...defined({ body: text }) },
  }
  const { etag } = headers
  const facts = { status, body_sha256: sha256(body), ...defined({ etag }) }
  return { claimed: `was answered ${status}`, result, facts }
}

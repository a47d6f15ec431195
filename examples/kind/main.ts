/**
 * A kind of action of one's own: `lamp.switch`, for lamps whose state is in a file.
 *
 * It is a program alongside Deed, and knows nothing of it but three subjects and their JSON, which
 * `npm run asyncapi` writes down. It could be written in any language that has a client for NATS.
 *
 *     LAMPS_FILE=lamps.json NATS_URL=... NATS_USER=provider NATS_PASSWORD=... node examples/kind/main.ts
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { connect, type ServiceMsg } from 'nats'

interface ActionRequest {
  kind_version: number
  action_id: string
  input: { lamp?: unknown; on?: unknown }
  /** What this program gave as `known` at the first observation; Deed keeps it. */
  stored?: { known?: { on: boolean } }
}

class Refused extends Error {
  readonly code: string
  readonly retryable: boolean

  constructor(code: string, message: string, retryable = false) {
    super(message)
    this.code = code
    this.retryable = retryable
  }
}

/** An approval is for this program in this version. */
const PROVIDER = 'lamps 1.0.0'

const { LAMPS_FILE = 'lamps.json', NATS_URL, NATS_USER, NATS_PASSWORD } = process.env

/** By the lamp's name: whether it is on. */
const lamps = (): Record<string, boolean> =>
  existsSync(LAMPS_FILE) ? (JSON.parse(readFileSync(LAMPS_FILE, 'utf8')) as Record<string, boolean>) : {}

function turn(lamp: string, on: boolean): void {
  writeFileSync(`${LAMPS_FILE}.new`, JSON.stringify({ ...lamps(), [lamp]: on }))
  renameSync(`${LAMPS_FILE}.new`, LAMPS_FILE)
}

/** The input, if it is one. */
function wanted({ kind_version, input }: ActionRequest): { lamp: string; on: boolean } {
  if (kind_version !== 1) throw new Refused('unknown_kind_version', 'lamp.switch is known here in version 1', true)
  const { lamp, on } = input
  if (typeof lamp !== 'string' || typeof on !== 'boolean')
    throw new Refused('invalid_request', 'lamp.switch takes lamp, a name, and on, true or false')
  if (lamps()[lamp] === undefined) throw new Refused('not_found', `there is no lamp ${lamp}`)
  return { lamp, on }
}

const word = (on: boolean) => (on ? 'on' : 'off')

/** Reads the file again, each time: what counts is how the lamp is, not what this program believes. */
function observe(asked: ActionRequest): object {
  const { lamp, on } = wanted(asked)
  const is = lamps()[lamp] === true
  const was = asked.stored?.known?.on
  return {
    effect: 'change',
    reversibility: 'reversible',
    idempotent: true,
    summary: `switch the lamp ${lamp} ${word(on)}`,
    provider: PROVIDER,
    state: word(is),
    known: { on: is },
    outcome: is === on ? 'verified' : 'failed',
    at: was === undefined ? 'unknown' : is === was ? 'before' : 'after',
    observed: `the lamp ${lamp} is ${word(is)}`,
    facts: { on: is },
  }
}

function execute(asked: ActionRequest): object {
  const { lamp, on } = wanted(asked)
  turn(lamp, on)
  return { claimed: `switched ${lamp} ${word(on)}`, result: { text: `the lamp ${lamp} is ${word(on)}` } }
}

function compensate(asked: ActionRequest): object {
  const { lamp, on } = wanted(asked)
  const was = asked.stored?.known?.on ?? !on
  turn(lamp, was)
  return { claimed: `switched ${lamp} ${word(was)} again` }
}

const nc = await connect({
  servers: NATS_URL ?? 'nats://127.0.0.1:4222',
  inboxPrefix: '_INBOX_provider',
  ...(NATS_USER === undefined ? {} : { user: NATS_USER }),
  ...(NATS_PASSWORD === undefined ? {} : { pass: NATS_PASSWORD }),
})
const service = await nc.services.add({ name: 'lamps', version: '1.0.0', description: 'the kind lamp.switch' })
for (const [verb, answer] of Object.entries({ observe, execute, compensate })) {
  service.addEndpoint(verb, {
    subject: `action.lamp-switch.${verb}`,
    handler: (_error, message) => reply(message, answer),
  })
}

function reply(message: ServiceMsg, answer: (asked: ActionRequest) => object): void {
  try {
    message.respond(JSON.stringify(answer(message.json<ActionRequest>())))
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    const { code, retryable } = error
    // Nothing of what is refused here has begun.
    const body = { code, message: error.message, retryable, details: { nothing_done: true } }
    message.respondError(400, code, new TextEncoder().encode(JSON.stringify(body)))
  }
}

process.once('SIGTERM', () => void nc.drain())

/** The provider of the kind `lamp.switch`, for lamps that are kept here; how one behaves is the first word of its name. */
import type { Connection } from '@deed/local/local-mesh'
import { connect, type ServiceMsg } from 'nats'

export interface Lamps extends AsyncDisposable {
  /** Whether it is on. */
  is(lamp: string): boolean
  put(lamp: string, on: boolean): void
}

interface LampRequest {
  input: { lamp: string; on: boolean }
  stored?: { known?: { on: boolean } }
}

type Manner = 'honest' | 'idle' | 'opposite' | 'fails' | 'deaf' | 'undoless' | 'half' | 'reverts' | 'claims'

const NAME = 'lamps'
const VERSION = '1.0.0'

export async function provideLamps(connection: Connection): Promise<Lamps> {
  const lamps = new Map<string, boolean>()
  const nc = await connect({
    servers: connection.nats_url,
    ...(connection.nats_user === undefined ? {} : { user: connection.nats_user }),
    ...(connection.nats_password === undefined ? {} : { pass: connection.nats_password }),
    inboxPrefix: '_INBOX_provider',
  })
  const word = (on: boolean): string => (on ? 'on' : 'off')
  const verbs: Record<string, (asked: LampRequest, manner: Manner) => object | undefined> = {
    observe({ input: { lamp, on }, stored }) {
      const is = lamps.get(lamp) === true
      const was = stored?.known?.on
      return {
        effect: 'change',
        reversibility: 'reversible',
        idempotent: true,
        summary: `switch the lamp ${lamp} ${word(on)}`,
        provider: `${NAME} ${VERSION}`,
        state: word(is),
        known: { on: is },
        outcome: is === on ? 'verified' : 'failed',
        at: was === undefined ? 'unknown' : is === was ? 'before' : 'after',
        observed: `the lamp ${lamp} is ${word(is)}`,
        facts: { on: is },
      }
    },
    execute({ input: { lamp, on } }, manner) {
      if (manner === 'deaf') return undefined
      if (manner === 'fails') throw new Error('the lamp is broken')
      if (manner === 'half') {
        lamps.set(lamp, on)
        throw new Error('the line was cut')
      }
      if (manner !== 'idle' && manner !== 'opposite') lamps.set(lamp, on)
      if (manner === 'opposite') lamps.set(lamp, !on)
      if (manner === 'reverts') lamps.set(lamp, !on)
      return { claimed: `switched ${lamp} ${word(on)}`, result: { text: `the lamp ${lamp} is ${word(on)}` } }
    },
    compensate({ input: { lamp, on }, stored }, manner) {
      if (manner !== 'undoless') lamps.set(lamp, stored?.known?.on ?? !on)
      return { claimed: `switched ${lamp} back` }
    },
  }
  const service = await nc.services.add({ name: NAME, version: VERSION, description: 'the kind lamp.switch' })
  for (const [verb, answer] of Object.entries(verbs)) {
    const handler = (_: Error | null, message: ServiceMsg): void => {
      const asked = message.json<LampRequest>()
      try {
        const answered = answer(asked, asked.input.lamp.split('-')[0] as Manner)
        if (answered) message.respond(JSON.stringify(answered))
      } catch (error) {
        const body = { code: 'effect_failed', message: (error as Error).message, retryable: false }
        message.respondError(400, body.code, new TextEncoder().encode(JSON.stringify(body)))
      }
    }
    service.addEndpoint(verb, { subject: `action.lamp-switch.${verb}`, handler })
  }
  await nc.flush()
  return {
    is: (lamp) => lamps.get(lamp) === true,
    put: (lamp, on) => void lamps.set(lamp, on),
    [Symbol.asyncDispose]: () => nc.close(),
  }
}

/**
 * The status of a nats-server. Its system account is password-protected; its monitoring port is open to everyone who
 * reaches it, so it is used only for an external server.
 */
import { connect } from 'nats'

const ANSWER_MS_MAX = 2_000

/** @throws if the server does not answer within 2 s, or refuses the login */
export type ServerStatus = (of: 'varz' | 'healthz') => Promise<Varz & Healthz>

interface Varz {
  readonly server_name?: string
  readonly in_msgs?: number
  readonly out_msgs?: number
  readonly jetstream?: { readonly config?: { readonly sync_always?: boolean; readonly sync_interval?: number } }
}

interface Healthz {
  /** `ok` if the server is healthy. */
  readonly status?: string
  readonly error?: string
}

/** @param login of a user of the system account */
export function statusBySystemAccount(url: string, login: { user: string; pass: string }): ServerStatus {
  return async (of) => {
    const nc = await connect({ servers: url, ...login, name: 'deed', reconnect: false, timeout: ANSWER_MS_MAX })
    try {
      const subject = `$SYS.REQ.SERVER.${nc.info?.server_id}.${of.toUpperCase()}`
      const reply = await nc.request(subject, '', { timeout: ANSWER_MS_MAX })
      return reply.json<{ data?: Varz & Healthz }>().data ?? {}
    } finally {
      await nc.close()
    }
  }
}

/** @param url of the monitoring port */
export function statusByMonitoring(url: string): ServerStatus {
  return async (of) => {
    const response = await fetch(new URL(`/${of}`, url), { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    return (await response.json()) as Varz & Healthz
  }
}

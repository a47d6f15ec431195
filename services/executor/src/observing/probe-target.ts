/** Whether a target answers, without anything being done to it. */
import { resolveUrl } from '../http/resolve-url.ts'
import type { World } from '../kind/kind.ts'
import { atNats } from '../nats/nats-target.ts'
import { serviceProvider } from '../services/provider-of.ts'
import { describe } from '../services/service-provider.ts'

export interface Probed {
  ok: boolean
  /** A sentence. */
  message: string
}

/** @throws {DeedError} where it cannot be reached, or is not configured */
export async function probeTarget(world: World, name: string, signal: AbortSignal): Promise<Probed> {
  const target = world.config.targets[name]
  switch (target?.type) {
    case 'process':
    case 'systemd':
    case 'docker':
    case 'kubernetes': {
      const seen = await serviceProvider(world, name).state(signal)
      return {
        ok: seen.running !== undefined && (!seen.health || seen.health.ok === true),
        message: describe(name, seen),
      }
    }
    case 'http': {
      // Any answer shows that somebody is there. The URL may be a secret: it is not repeated.
      const answered = await fetch(resolveUrl({ target: name }, world).url, {
        method: 'HEAD',
        redirect: 'manual',
        signal,
      }).then(
        ({ status }) => status,
        () => undefined,
      )
      return answered === undefined
        ? { ok: false, message: `${name} does not answer` }
        : { ok: answered < 500, message: `${name} answers with ${answered}` }
    }
    case 'sql':
      await world.databases.pooled(name, (client) => client.query('select 1'))
      return { ok: true, message: `${name} answers` }
    case 'nats':
      await atNats(world, name, async () => undefined)
      return { ok: true, message: `${name} answers` }
    default:
      return { ok: true, message: `${name} is not asked: it is started when it is used` }
  }
}

/**
 * Which of the replicas of a service takes what any of them could take.
 *
 * Work that is spread over replicas comes to each in small batches, and a batch of two costs as much as one of four: two
 * replicas of each service would need nearly twice the CPU time. So one takes everything while a single core is enough
 * for all of it, and above that it is spread. This only chooses where a message goes first: who is chosen and does not
 * answer, or has no room, is passed over.
 */
import { decodeJson } from '@deed/json/decode'
import { jsonText } from '@deed/json/json-text'
import type { Owner } from '@deed/proto/contract'
import { REPLICA_LOAD, ReplicaLoad } from '@deed/proto/replica'
import type { NatsConnection } from 'nats'
import type { Outbox } from './outbox.ts'

const EVERY_MS = 500
/** A replica that has said nothing for this long may be gone. */
const FRESH_MS = 1_500
/** The load of all replicas together, in cores, above which it is spread over them. */
const ONE_IS_ENOUGH = 0.8

export interface PreferredReplicas {
  /** The instance that takes everything now; undefined: any of them. */
  of(service: Owner): string | undefined
  /** As `of`, if that is not this one. */
  other(service: Owner, self: string | undefined): string | undefined
}

/** Hears of the replicas of all services. */
export function hearReplicas(nc: NatsConnection, clock = () => performance.now()): PreferredReplicas {
  const known = new Map<string, Map<string, { load: number; at: number }>>()
  nc.subscribe(`${REPLICA_LOAD}.*`, {
    callback(error, msg) {
      const said = error === null ? ReplicaLoad.safeParse(decodeJson(msg.data)).data : undefined
      if (!said) return
      const service = msg.subject.slice(REPLICA_LOAD.length + 1)
      const replicas = known.get(service) ?? new Map()
      known.set(service, replicas)
      if (said.load === null) replicas.delete(said.instance)
      else replicas.set(said.instance, { load: said.load, at: clock() })
    },
  })
  const preferred: PreferredReplicas = {
    of(service) {
      const replicas = known.get(service)
      if (!replicas) return undefined
      const since = clock() - FRESH_MS
      let together = 0
      let first: string | undefined
      for (const [instance, { load, at }] of replicas) {
        if (at < since) replicas.delete(instance)
        else {
          together += load
          // The same one for all who choose.
          if (first === undefined || instance < first) first = instance
        }
      }
      return replicas.size > 1 && together < ONE_IS_ENOUGH ? first : undefined
    },
    other(service, self) {
      const chosen = preferred.of(service)
      return chosen === self ? undefined : chosen
    },
  }
  return preferred
}

/** Says how busy this replica is, until it is disposed: then that it takes nothing more. */
export function sayLoad(outbox: Outbox, service: string, instance: () => string | undefined): Disposable {
  const say = (load: number | null): void => {
    const id = instance()
    if (id !== undefined)
      outbox.send(`${REPLICA_LOAD}.${service}`, jsonText({ instance: id, load } satisfies ReplicaLoad))
  }
  let used = process.threadCpuUsage()
  let at = performance.now()
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage(used)
    const now = performance.now()
    say((user + system) / 1_000 / (now - at))
    used = process.threadCpuUsage()
    at = now
  }, EVERY_MS).unref()
  return {
    [Symbol.dispose]() {
      clearInterval(timer)
      say(null)
    },
  }
}

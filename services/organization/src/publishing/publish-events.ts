/**
 * Publishes what was committed to the stream, and forgets it once the stream has it. A process that dies in between leaves
 * it to the next one, and the stream drops what it has already.
 */
import type { Bus } from '@deed/mesh/bus'
import { publishEvent } from '@deed/mesh/event-stream'
import { crashPoint } from '@deed/process/crash-point'
import { every } from '@deed/process/every'
import { inTransaction, type Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import { lockEvents, type NewEvent, removeEvent, removeEvents } from '../store/outbox.ts'

/** For what another replica left, or the stream did not acknowledge. */
const EVERY_MS = 5_000
const BATCH = 100

interface Dependencies {
  readonly store: Store<unknown>
  readonly bus: Pick<Bus, 'nc'>
  readonly log: Log
}

interface Publishing extends AsyncDisposable {
  /** After each commit with events whose order counts: the oldest come first. */
  again(): void
  /** After the commit of one that waits for no other: it is not read again, unless the stream does not acknowledge it. */
  now(event: NewEvent): void
}

export function publishEvents({ store, bus, log }: Dependencies): Publishing {
  const underWay = new Map<string, Promise<void>>()
  const passes = every(
    EVERY_MS,
    async () => {
      while ((await publishBatch({ store, bus, log }, [...underWay.keys()])) === BATCH);
    },
    { failed: 'publishing events failed; retrying', log, firstMs: 0 },
  )
  const publishOne = async ({ event_id: id, subject, payload }: NewEvent): Promise<void> => {
    try {
      crashPoint('organization.before_publish')
      await publishEvent(bus.nc, { subject, id, payload })
      crashPoint('organization.after_publish')
      await removeEvent(store, id)
    } catch (error) {
      log.warn({ err: error }, 'publishing an event failed; the next pass retries')
    } finally {
      underWay.delete(id)
    }
  }
  return {
    again: passes.again,
    now: (event) => void underWay.set(event.event_id, publishOne(event)),
    async [Symbol.asyncDispose]() {
      await Promise.all(underWay.values())
      await passes[Symbol.asyncDispose]()
    },
  }
}

/** @returns how many there were @throws if the stream has not acknowledged one; those that it has are gone */
async function publishBatch({ store, bus, log }: Dependencies, underWay: readonly string[]): Promise<number> {
  const { published, failed } = await inTransaction(store, log, async (client) => {
    const events = await lockEvents(client, BATCH, underWay)
    if (events.length > 0) crashPoint('organization.before_publish')
    const outcomes = await Promise.allSettled(
      events.map(({ subject, event_id: id, payload }) => publishEvent(bus.nc, { subject, id, payload })),
    )
    if (events.length > 0) crashPoint('organization.after_publish')
    const acknowledged = events.filter((_, index) => outcomes[index]?.status === 'fulfilled')
    if (acknowledged.length > 0)
      await removeEvents(
        client,
        acknowledged.map(({ seq }) => seq),
      )
    return { published: events.length, failed: outcomes.find((one) => one.status === 'rejected') }
  })
  if (failed) throw failed.reason
  return published
}

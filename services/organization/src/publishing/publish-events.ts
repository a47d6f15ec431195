/**
 * Publishes what was committed to the stream, and forgets it once the stream has it. A process that dies in between leaves
 * it to the next one, and the stream drops what it has already.
 */
import type { Bus } from '@deed/mesh/bus'
import { publishEvent } from '@deed/mesh/event-stream'
import { crashPoint } from '@deed/process/crash-point'
import { every, type Periodic } from '@deed/process/every'
import { inTransaction, type Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import { lockEvents, removeEvents } from '../store/outbox.ts'

/** For what another replica left, or the stream did not acknowledge. */
const EVERY_MS = 5_000
const BATCH = 100

interface Dependencies {
  readonly store: Store<unknown>
  readonly bus: Pick<Bus, 'nc'>
  readonly log: Log
}

/** `again` after each commit with events. */
export const publishEvents = (dependencies: Dependencies): Periodic =>
  every(
    EVERY_MS,
    async () => {
      while ((await publishBatch(dependencies)) === BATCH);
    },
    { failed: 'publishing events failed; retrying', log: dependencies.log, firstMs: 0 },
  )

/** @returns how many there were @throws if the stream has not acknowledged one; those that it has are gone */
async function publishBatch({ store, bus, log }: Dependencies): Promise<number> {
  const { published, failed } = await inTransaction(store, log, async (client) => {
    const events = await lockEvents(client, BATCH)
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

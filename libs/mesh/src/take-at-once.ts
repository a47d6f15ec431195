/**
 * Work that is handed out at once, as a message of core NATS, to any consumer that has room for it now.
 *
 * Who takes it says nothing, since its report follows. Who cannot says so, and it goes through the work queue instead,
 * as it does where nobody listens. What is lost on the way is handed out again from PostgreSQL.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkContract } from '@deed/proto/contract'
import { WORK_AT_ONCE } from '@deed/proto/permissions'
import type { Log } from '@deed/telemetry/logger'
import type { Msg, MsgHdrs, NatsConnection } from 'nats'
import type { Outbox } from './outbox.ts'
import type { Requests } from './requests.ts'

/** Who cannot take work says so within this time. */
const REFUSED_MS = 1_000
/** After a handler has thrown, it is called again after this time. */
const TRY_AGAIN_MS = 1_000

const subjectOf = ({ subject }: WorkContract): string => `${WORK_AT_ONCE}.${subject}`

/** @param queue puts it into the work queue */
export function offerAtOnce(
  requests: Requests,
  log: Log,
  contract: WorkContract,
  { tenant, payload, headers }: { tenant: string; payload: string; headers: MsgHdrs },
  queue: () => void,
): void {
  const subject = `${subjectOf(contract)}.${tenant}`
  const options = { timeoutMs: REFUSED_MS, signal: undefined, repeatable: false, onCancelled: () => undefined }
  requests
    .send(subject, payload, headers, options)
    .then(({ outcome }) => (outcome === 'timeout' ? undefined : queue()))
    .catch((error: unknown) => log.error({ err: error, subject }, 'work was not handed out'))
}

/**
 * Disposing takes nothing more, and waits for what is in hand.
 *
 * @param hasRoom whether it may take one more, besides those that it has taken here
 * @param perform is called again while it throws
 */
export function takeAtOnce(
  { nc, outbox, log }: { nc: NatsConnection; outbox: Outbox; log: Log },
  contract: WorkContract,
  hasRoom: (inHand: number) => boolean,
  perform: (msg: Msg, deliveries: number) => Promise<unknown>,
): AsyncDisposable {
  const inHand = new Set<Promise<void>>()
  let stopped = false

  const keepTrying = async (msg: Msg): Promise<void> => {
    for (let deliveries = 1; !stopped || deliveries === 1; deliveries++) {
      try {
        await perform(msg, deliveries)
        return
      } catch (error) {
        log.error({ err: error, subject: msg.subject }, 'work failed')
      }
      await sleep(TRY_AGAIN_MS)
    }
  }
  const take = (msg: Msg): void => {
    if (stopped || !hasRoom(inHand.size)) return outbox.say(() => msg.respond())
    const work = keepTrying(msg)
    inHand.add(work)
    void work.finally(() => inHand.delete(work))
  }
  const subscription = nc.subscribe(`${subjectOf(contract)}.*`, {
    queue: contract.consumer,
    callback: (error, msg) => (error === null ? take(msg) : undefined),
  })
  return {
    async [Symbol.asyncDispose]() {
      stopped = true
      if (!nc.isClosed()) await subscription.drain()
      await Promise.allSettled(inHand)
    },
  }
}

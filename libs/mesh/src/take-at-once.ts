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

export interface Offer {
  tenant: string
  payload: string
  headers: MsgHdrs
  /** The instance that is asked before all others. */
  first: string | undefined
}

/** @param queue puts it into the work queue */
export function offerAtOnce(
  requests: Requests,
  log: Log,
  contract: WorkContract,
  { tenant, payload, headers, first }: Offer,
  queue: () => void,
): void {
  const subject = `${subjectOf(contract)}.${tenant}`
  const options = { timeoutMs: REFUSED_MS, signal: undefined, repeatable: false, onCancelled: () => undefined }
  const isTaken = async (to: string): Promise<boolean> =>
    (await requests.send(to, payload, headers, options)).outcome === 'timeout'
  const offer = async (): Promise<void> => {
    if (first !== undefined && (await isTaken(`${subject}.${first}`))) return
    if (!(await isTaken(subject))) queue()
  }
  offer().catch((error: unknown) => log.error({ err: error, subject }, 'work was not handed out'))
}

export interface Taking {
  nc: NatsConnection
  outbox: Outbox
  log: Log
  /** The id of this instance, if it has one. */
  instance: string | undefined
}

/**
 * Disposing takes nothing more, and waits for what is in hand.
 *
 * @param hasRoom whether it may take one more, besides those that it has taken here
 * @param perform is called again while it throws
 */
export function takeAtOnce(
  { nc, outbox, log, instance }: Taking,
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
  const subjects = ['*', ...(contract.gathered && instance !== undefined ? [`*.${instance}`] : [])]
  const subscriptions = subjects.map((rest) =>
    nc.subscribe(`${subjectOf(contract)}.${rest}`, {
      queue: contract.consumer,
      callback: (error, msg) => (error === null ? take(msg) : undefined),
    }),
  )
  return {
    async [Symbol.asyncDispose]() {
      stopped = true
      if (!nc.isClosed()) await Promise.all(subscriptions.map((subscription) => subscription.drain()))
      await Promise.allSettled(inHand)
    },
  }
}

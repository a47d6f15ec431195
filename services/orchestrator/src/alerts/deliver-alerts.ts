/**
 * Delivers alerts to the log and to the webhooks of execution.yaml, once per cause.
 *
 * Any service raises alerts. Each alert reaches one replica, and the first one with its row delivers it; another
 * replica delivers what a stopped one left.
 */
import type { Bus } from '@deed/mesh/bus'
import { jsonOf } from '@deed/mesh/read-payload'
import { every } from '@deed/process/every'
import { type Alert, alert as contract } from '@deed/proto/alert'
import type { Log } from '@deed/telemetry/logger'
import { markDelivered, takeAlert, takeLeftAlerts } from '../store/alerts.ts'
import type { Database } from '../store/schema.ts'
import { postWebhook, type Webhook } from './post-webhook.ts'

/** The maximum number of alerts in delivery; more stay in the tables for later. */
const IN_HAND_MAX = 500
/** Longer than all tries of a webhook together. */
const LEFT_MS = 600_000
const CHECK_AGAIN_MS = 600_000

interface Dependencies {
  db: Database
  bus: Bus
  log: Log
  webhooks: readonly Webhook[]
}

/** Disposing aborts running deliveries; another replica, or the next start, repeats them. */
export function deliverAlerts({ db, bus, log, webhooks }: Dependencies): AsyncDisposable {
  const inHand = new Set<Promise<void>>()
  const stopping = new AbortController()

  const deliver = async (alert: Alert): Promise<void> => {
    const { name, severity, tenant, message, execution_id, data } = alert
    const level = severity === 'info' ? 'info' : severity === 'warning' ? 'warn' : 'error'
    log[level]({ alert: name, tenant, execution_id, data, message }, 'alert')
    const wanted = webhooks.filter(({ names }) => names === undefined || names.includes(name))
    const results = await Promise.allSettled(wanted.map((webhook) => postWebhook(webhook, alert, stopping.signal)))
    if (stopping.signal.aborted) return
    for (const result of results) {
      if (result.status === 'rejected') log.error({ err: result.reason, alert: name }, 'alert not delivered')
    }
    await markDelivered(db, alert)
  }

  const track = (work: Promise<void>): void => {
    const through = work
      .catch((error: unknown) => log.error({ err: error }, 'alert not delivered'))
      .finally(() => inHand.delete(through))
    inHand.add(through)
  }

  const takeNew = async (alert: Alert): Promise<void> => {
    if (await takeAlert(db, alert)) await deliver(alert)
  }

  const takeLeftOver = async (): Promise<void> => {
    const room = IN_HAND_MAX - inHand.size
    if (room <= 0) return
    for (const alert of await takeLeftAlerts(db, LEFT_MS, room)) track(deliver(alert))
  }

  const subscription = bus.nc.subscribe(contract.subject, {
    queue: 'alerts',
    callback(error, msg) {
      if (error !== null) return
      const { data: alert, error: fault } = contract.payload.safeParse(jsonOf(msg))
      if (fault) log.warn({ subject: msg.subject, reason: fault.message }, 'dropping an alert that cannot be parsed')
      else if (inHand.size >= IN_HAND_MAX) log.error({ alert: alert.name }, 'too many concurrent alerts; dropping one')
      else track(takeNew(alert))
    },
  })
  const looking = every(CHECK_AGAIN_MS, takeLeftOver, {
    failed: 'alerts that are left could not be read',
    log,
    firstMs: 0,
  })

  return {
    async [Symbol.asyncDispose]() {
      subscription.unsubscribe()
      stopping.abort()
      await looking[Symbol.asyncDispose]()
      await Promise.allSettled(inHand)
    },
  }
}

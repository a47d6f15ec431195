/**
 * Delivers alerts to the log and to the webhooks of execution.yaml, once per cause.
 *
 * Any service raises alerts. Each alert reaches one replica, and the first one with its row delivers it; another
 * replica delivers what a stopped one left.
 */
import type { Bus } from '@deed/mesh/bus'
import { traceIn } from '@deed/mesh/headers'
import { messageAttributes } from '@deed/mesh/message-attributes'
import { jsonOf } from '@deed/mesh/read-payload'
import { every } from '@deed/process/every'
import { type Alert, alert as contract } from '@deed/proto/alert'
import type { Log } from '@deed/telemetry/logger'
import { LINK_KIND } from '@deed/telemetry/names'
import { inSpan, linkTo } from '@deed/telemetry/span'
import type { Trace } from '@deed/telemetry/trace-context'
import { markDelivered, takeAlert, takeLeftAlerts } from '../store/alerts.ts'
import { isSilenced } from '../store/rule-states.ts'
import type { Database } from '../store/schema.ts'
import { postWebhook, type Webhook } from './post-webhook.ts'

/** The maximum number of alerts in delivery; more stay in the tables for later. */
const IN_HAND_MAX = 500
/** Longer than all tries of a webhook together. */
const LEFT_MS = 600_000
const CHECK_AGAIN_MS = 600_000
const QUEUE = 'alerts'

interface Dependencies {
  db: Database
  bus: Bus
  log: Log
  webhooks: readonly Webhook[]
  /** Does what is to be done about it, besides reporting it. A repeat does nothing. */
  respond(alert: Alert): Promise<void>
}

/** Disposing aborts running deliveries; another replica, or the next start, repeats them. */
export function deliverAlerts({ db, bus, log, webhooks, respond }: Dependencies): AsyncDisposable {
  const inHand = new Set<Promise<void>>()
  const stopping = new AbortController()

  const deliver = async (alert: Alert, cause?: Trace): Promise<void> => {
    const { name, severity, tenant, message, execution_id, data } = alert
    // What a rule has to say is held back where it is evaluated, so that it can be told later.
    if (!('rule' in data) && (await isSilenced(db, name))) {
      log.info({ alert: name, tenant, execution_id }, 'alert silenced')
      return markDelivered(db, alert)
    }
    const level = severity === 'info' ? 'info' : severity === 'warning' ? 'warn' : 'error'
    log[level]({ alert: name, tenant, execution_id, data, message }, 'alert')
    await respond(alert).catch((error: unknown) =>
      log.error({ err: error, alert: name }, 'the workflow of an alert could not be started'),
    )
    const wanted = webhooks.filter(({ names }) => names === undefined || names.includes(name))
    if (wanted.length > 0) await postToAll(wanted, alert, cause)
    if (!stopping.signal.aborted) await markDelivered(db, alert)
  }

  /** In a trace of its own, since it may last for minutes after the end of the execution. */
  const postToAll = (wanted: readonly Webhook[], alert: Alert, cause: Trace | undefined): Promise<void> => {
    const { name, tenant, execution_id } = alert
    const message = { template: contract.subject, subject: contract.subject.replace('*.*', `${tenant}.${name}`) }
    const attributes = messageAttributes(bus.nc, {
      ...{ operation: 'process', ...message, body: JSON.stringify(alert), group: QUEUE, id: alert.alert_id },
    })
    const link = linkTo(cause, { [LINK_KIND]: 'creation' })
    const options = { kind: 'consumer', attributes, links: link ? [link] : [] } as const
    return inSpan(`process ${contract.subject}`, options, async (span) => {
      if (execution_id !== undefined) span.setExecution(execution_id)
      const results = await Promise.allSettled(wanted.map((webhook) => postWebhook(webhook, alert, stopping.signal)))
      for (const result of results) {
        if (result.status === 'fulfilled' || stopping.signal.aborted) continue
        span.fail(result.reason)
        log.error({ err: result.reason, alert: name }, 'alert not delivered')
      }
    })
  }

  const track = (work: Promise<void>): void => {
    const through = work
      .catch((error: unknown) => log.error({ err: error }, 'alert not delivered'))
      .finally(() => inHand.delete(through))
    inHand.add(through)
  }

  const takeNew = async (alert: Alert, cause: Trace | undefined): Promise<void> => {
    if (await takeAlert(db, alert)) await deliver(alert, cause)
  }

  const takeLeftOver = async (): Promise<void> => {
    const room = IN_HAND_MAX - inHand.size
    if (room <= 0) return
    for (const alert of await takeLeftAlerts(db, LEFT_MS, room)) track(deliver(alert))
  }

  const subscription = bus.nc.subscribe(contract.subject, {
    queue: QUEUE,
    callback(error, msg) {
      if (error !== null) return
      const { data: alert, error: fault } = contract.payload.safeParse(jsonOf(msg))
      if (fault) log.warn({ subject: msg.subject, reason: fault.message }, 'dropping an alert that cannot be parsed')
      else if (inHand.size >= IN_HAND_MAX) log.error({ alert: alert.name }, 'too many concurrent alerts; dropping one')
      else track(takeNew(alert, traceIn(msg)))
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

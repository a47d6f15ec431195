/**
 * The two spans of work that is handed out: `send` where it is published, `process` where it is taken.
 *
 * Their ids follow from what is handed out, so that a later attempt, and a second delivery, are linked to the one before
 * without being told its span.
 */
import type { WorkContract } from '@deed/proto/contract'
import { DELIVERY_COUNT, LINK_KIND, OPENTRACING_REF_TYPE } from '@deed/telemetry/names'
import { linkTo, type Span, type SpanLink, startSpan } from '@deed/telemetry/span'
import { derivedSpanId, parseTraceparent, type Trace, traceparentIn } from '@deed/telemetry/trace-context'
import type { NatsConnection } from 'nats'
import { type Message, messageAttributes } from './message-attributes.ts'

/** The attempt that a message hands out. */
export interface HandedOut {
  taskId: string
  /** From 1. */
  attempt: number
  /** It was published before, and nobody has reported that it took it. */
  again?: boolean
}

/** A producer's span, a child of `trace`, linked to the attempt before. */
export function startSending(
  nc: NatsConnection,
  contract: WorkContract,
  trace: Trace,
  { taskId, attempt, again = false }: HandedOut,
  message: Pick<Message, 'subject' | 'body'>,
): Span {
  const sent = derivedSpanId(taskId, attempt)
  const earlier = again ? sent : attempt > 1 ? derivedSpanId(derivedSpanId(taskId, attempt - 1), 1) : undefined
  const traceId = parseTraceparent(traceparentIn(trace))?.traceId
  return startSpan(`send ${contract.subject}`, {
    parent: trace,
    service: contract.owner,
    kind: 'producer',
    // Published again, it is another message.
    spanId: again ? undefined : sent,
    attributes: {
      ...messageAttributes(nc, {
        operation: 'send',
        template: contract.subject,
        id: `${taskId}/${attempt}`,
        ...message,
      }),
      'deed.attempt': attempt,
    },
    links:
      earlier === undefined || traceId === undefined
        ? []
        : [{ traceId, spanId: earlier, attributes: { [LINK_KIND]: again ? 'sent before' : 'earlier attempt' } }],
  })
}

/** A consumer's span: a child of the producer's, which it is linked to as well. */
export function startProcessing(
  nc: NatsConnection,
  contract: Pick<WorkContract, 'subject' | 'consumer'>,
  sent: Trace | undefined,
  deliveries: number,
  message: Pick<Message, 'subject' | 'body'>,
): Span {
  const context = parseTraceparent(sent === undefined ? undefined : traceparentIn(sent))
  // It is the parent as well: Jaeger would otherwise show it as something that follows.
  const creation = linkTo(sent, { [LINK_KIND]: 'creation', [OPENTRACING_REF_TYPE]: 'child_of' })
  const earlier: SpanLink[] =
    context === undefined || deliveries <= 1
      ? []
      : [
          {
            traceId: context.traceId,
            spanId: derivedSpanId(context.spanId, deliveries - 1),
            attributes: { [LINK_KIND]: 'earlier delivery' },
          },
        ]
  return startSpan(`process ${contract.subject}`, {
    parent: sent,
    service: contract.consumer,
    kind: 'consumer',
    spanId: context === undefined ? undefined : derivedSpanId(context.spanId, deliveries),
    attributes: {
      ...messageAttributes(nc, {
        operation: 'process',
        template: contract.subject,
        group: contract.consumer,
        ...message,
      }),
      [DELIVERY_COUNT]: deliveries,
    },
    links: [...(creation === undefined ? [] : [creation]), ...earlier],
  })
}

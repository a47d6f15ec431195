/** What the spans of messages say, as the semantic conventions for messaging have it. */
import * as names from '@deed/telemetry/names'
import type { SpanAttributes } from '@deed/telemetry/span'
import type { NatsConnection } from 'nats'

export interface Message {
  /** `request` and `send` by who publishes, `process` by who receives. */
  operation: 'request' | 'send' | 'process'
  /** The contract's subject. */
  template: string
  /** The real subject. */
  subject: string
  body: string | Uint8Array
  /** The queue group, or the durable consumer, that a receiver belongs to. */
  group?: string | undefined
  id?: string | undefined
}

/** The attributes of a span with the name `<operation> <template>`. */
export function messageAttributes(
  nc: NatsConnection,
  { operation, template, subject, body, group, id }: Message,
): SpanAttributes {
  return {
    [names.MESSAGING_SYSTEM_NAME]: 'nats',
    [names.MESSAGING_OPERATION_NAME]: operation,
    [names.MESSAGING_OPERATION_TYPE]: operation === 'request' ? 'send' : operation,
    [names.MESSAGING_DESTINATION_TEMPLATE]: template,
    [names.MESSAGING_DESTINATION_NAME]: subject,
    [names.MESSAGING_MESSAGE_BODY_SIZE]: typeof body === 'string' ? Buffer.byteLength(body) : body.length,
    ...(group === undefined ? {} : { [names.MESSAGING_CONSUMER_GROUP_NAME]: group }),
    ...(id === undefined ? {} : { [names.MESSAGING_MESSAGE_ID]: id }),
    ...serverOf(nc),
  }
}

const servers = new WeakMap<NatsConnection, { at: string; attributes: SpanAttributes }>()

/** Another one after a reconnect to a cluster. */
function serverOf(nc: NatsConnection): SpanAttributes {
  const at = nc.getServer()
  const before = servers.get(nc)
  if (before?.at === at) return before.attributes
  const colon = at.lastIndexOf(':')
  const attributes = { [names.SERVER_ADDRESS]: at.slice(0, colon), [names.SERVER_PORT]: Number(at.slice(colon + 1)) }
  servers.set(nc, { at, attributes })
  return attributes
}

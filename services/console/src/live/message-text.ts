/** Messages of the live connection as they are sent. */
import { jsonText } from '@deed/json/json-text'
import type { LiveMessage } from '@deed/proto/console'

export const messageText = (message: LiveMessage): string => jsonText(message)

/** Of a message that many connections are sent. */
export const messageBytes = (message: LiveMessage): Buffer => Buffer.from(messageText(message))

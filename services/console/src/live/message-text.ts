/** Messages of the live connection as they are sent. */
import { jsonText } from '@deed/json/json-text'
import type { LiveMessage } from '@deed/proto/console'

export const messageText = (message: LiveMessage): string => jsonText(message)

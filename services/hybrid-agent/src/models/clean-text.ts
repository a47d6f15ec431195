/** What a model may read of a text: no secret, and nothing that a person reading the same text would not see. */
import type { Json } from '@deed/proto/json'
import { redact } from '@deed/telemetry/redact'

/** Tag characters, which spell a hidden text; zero-width and direction marks; control characters but tab and line end. */
const UNSEEN = /[\u{E0000}-\u{E007F}\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF\u00AD]|[^\P{Cc}\t\n]/gu

export function cleanText(text: string): string {
  return redact(text.replaceAll('\r\n', '\n').replace(UNSEEN, ''))
}

export function cleanJson(value: Json): Json {
  if (typeof value === 'string') return cleanText(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(cleanJson)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [cleanText(key), cleanJson(item)]))
}

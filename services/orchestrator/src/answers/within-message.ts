/** Limits a list to what fits in one message, since NATS accepts at most 1 MB. */

import type { Json, JsonObject } from '@deed/proto/json'

/**
 * The longest prefix that is at most `bytesMax` long as JSON. It has at least one item, however long, so that paging
 * always terminates.
 */
export function withinMessage<Item>(items: readonly Item[], bytesMax: number): Item[] {
  let bytes = 0
  const end = items.findIndex((item, index) => {
    bytes += Buffer.byteLength(JSON.stringify(item))
    return index > 0 && bytes > bytesMax
  })
  return items.slice(0, end < 0 ? items.length : end)
}

/** The characters that are kept of a text that is too long. */
const TEXT_CHARS_MAX = 1_000

/** The same value with long texts truncated, and their length stated, if its JSON is longer than `bytesMax`. */
export function shortenedTo(bytesMax: number, value: JsonObject): JsonObject {
  if (Buffer.byteLength(JSON.stringify(value)) <= bytesMax) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, cut(one)]))
}

function cut(value: Json): Json {
  if (typeof value === 'string' && value.length > TEXT_CHARS_MAX) {
    return `${value.slice(0, TEXT_CHARS_MAX).toWellFormed()} ... (${value.length} characters)`
  }
  if (Array.isArray(value)) return value.map(cut)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, cut(one)]))
}

/** A list in a message: as many as there is room for, since NATS takes a message of 1 MB at most. */

import type { Json, JsonObject } from '@deed/proto/json'

/**
 * The first of them that are at most `bytesMax` long together, as JSON. One at least, however long it is, so that whoever
 * asks for the next ones comes to an end.
 */
export function withinMessage<Item>(items: readonly Item[], bytesMax: number): Item[] {
  let bytes = 0
  const end = items.findIndex((item, index) => {
    bytes += Buffer.byteLength(JSON.stringify(item))
    return index > 0 && bytes > bytesMax
  })
  return items.slice(0, end < 0 ? items.length : end)
}

/** Of a text that is too long to be shown whole. */
const TEXT_CHARS_MAX = 1_000

/** The same with its long texts cut, and their length said: where it is longer than `bytesMax` as JSON. */
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

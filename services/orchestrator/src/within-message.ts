/** A list in a message: as many as there is room for, since NATS takes a message of 1 MB at most. */

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

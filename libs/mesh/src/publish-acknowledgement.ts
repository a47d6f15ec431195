/**
 * What a stream says to whoever publishes on its subjects: `{"stream": "...", "seq": 1}`. A stream that also has the
 * subject of a request says it where an answer is awaited, and often first.
 */
const BEGINNING = Buffer.from('{"stream":')

/** No contract of the mesh has an answer that begins like that; a test holds them to it. */
export function isPublishAcknowledgement(data: Uint8Array): boolean {
  return data.length > BEGINNING.length && BEGINNING.equals(data.subarray(0, BEGINNING.length))
}

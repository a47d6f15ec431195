/**
 * A stream's acknowledgement of a publish: `{"stream": "...", "seq": 1}`. A stream that also captures the subject of a
 * request sends it to the reply subject, often before the answer.
 */
const BEGINNING = Buffer.from('{"stream":')

/** No contract of the mesh has an answer with this beginning, which a test checks. */
export function isPublishAcknowledgement(data: Uint8Array): boolean {
  return data.length > BEGINNING.length && BEGINNING.equals(data.subarray(0, BEGINNING.length))
}

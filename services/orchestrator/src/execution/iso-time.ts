/** A timestamp as it is written in rows, events and replies. */

let spelled = { ms: 0, text: new Date(0).toISOString() }

/** Cached: one step formats the same timestamp many times. */
export function isoTime(ms: number): string {
  if (ms !== spelled.ms) spelled = { ms, text: new Date(ms).toISOString() }
  return spelled.text
}

/** Takes messages out of what a client of NATS sends, as if they were lost on their way. */

const CRLF = Buffer.from('\r\n')

/**
 * What is left of a connection's data, piece by piece. A message is kept back until its head is whole.
 *
 * @param lost by subject
 * @see https://docs.nats.io/reference/reference-protocols/nats-protocol
 */
export function losingMessages(lost: (subject: string) => boolean): (data: Buffer) => Buffer {
  let rest: Buffer = Buffer.alloc(0)
  /** Bytes of the current message's body that are to come, and whether they are lost. */
  let body = 0
  let losing = false
  return (data) => {
    const kept: Buffer[] = []
    const take = (bytes: number): void => {
      if (!losing) kept.push(rest.subarray(0, bytes))
      rest = rest.subarray(bytes)
    }
    rest = Buffer.concat([rest, data])
    while (rest.length > 0) {
      if (body > 0) {
        const bytes = Math.min(body, rest.length)
        take(bytes)
        body -= bytes
        continue
      }
      const end = rest.indexOf(CRLF)
      if (end < 0) break
      const [operation = '', subject = '', ...more] = rest.subarray(0, end).toString().split(/\s+/)
      const carries = /^H?PUB$/i.test(operation)
      losing = carries && lost(subject)
      take(end + CRLF.length)
      body = carries ? Number(more.at(-1)) + CRLF.length : 0
    }
    return Buffer.concat(kept)
  }
}

/** The certificate that a server shows, whether or not it is valid: by a handshake of its own, in which nothing is sent. */
import { lookup } from 'node:dns'
import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { checkedLookup, checkedUrl } from './guarded-request.ts'

/** A type, not an interface: it is part of what is reported as JSON. */
export type Certificate = {
  /** The names that it is for, as the server's certificate has them. */
  names: string
  issuer: string
  valid_from: string
  valid_to: string
  /** Whole days until it ends; negative: since it ended. */
  days_left: number
}

const DAY_MS = 86_400_000

/**
 * @param trustedOrigin scheme, host and port that may be local
 * @returns `undefined` where it speaks no TLS or does not answer
 * @throws {DeedError} `blocked_address`
 */
export function certificateAt(
  url: string,
  trustedOrigin: string | undefined,
  signal: AbortSignal,
): Promise<Certificate | undefined> {
  const { hostname, port, origin } = checkedUrl(url, trustedOrigin)
  const host = hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(port || 443),
      lookup: origin === trustedOrigin ? lookup : checkedLookup(),
      // One that has ended is read, too.
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    })
    const finish = (found?: Certificate) => {
      signal.removeEventListener('abort', aborted)
      socket.destroy()
      resolve(found)
    }
    const aborted = () => finish()
    signal.addEventListener('abort', aborted)
    socket.once('error', (error: NodeJS.ErrnoException) => {
      signal.removeEventListener('abort', aborted)
      if (error.code === 'blocked_address') reject(error)
      else finish()
    })
    socket.once('secureConnect', () => {
      const { subject, subjectaltname, issuer, valid_from, valid_to } = socket.getPeerCertificate()
      if (valid_to === undefined) return finish()
      finish({
        names: subjectaltname ?? textOf(subject.CN),
        issuer: textOf(issuer.O ?? issuer.CN),
        valid_from: new Date(valid_from).toISOString(),
        valid_to: new Date(valid_to).toISOString(),
        days_left: Math.floor((Date.parse(valid_to) - Date.now()) / DAY_MS),
      })
    })
  })
}

const textOf = (part: string | string[] | undefined): string => (Array.isArray(part) ? part.join(', ') : (part ?? ''))

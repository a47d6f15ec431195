/** The names by which the console may be addressed, and the pages that may ask it: against DNS rebinding and foreign pages. */
import { Refusal } from './refusal.ts'

export interface Addresses {
  /** Where people reach it, as `http://127.0.0.1:20123`. */
  readonly url: string
  /** Whether it is reached over TLS, so that cookies must be. */
  readonly secure: boolean
  /** @throws {Refusal} for another name. @param host the header */
  checkHost(host: string | undefined): void
  /**
   * Of a request that changes something, or of a WebSocket.
   *
   * @throws {Refusal} unless the page that asks is the console's own
   */
  checkOrigin(headers: { origin: string | undefined; host: string | undefined; site: string | undefined }): void
}

/** @param url where people reach it through a proxy; then it answers to that name alone */
export function openAddresses(port: number, url: string | undefined): Addresses {
  const given = url === undefined ? undefined : new URL(url)
  const hosts = new Set(given ? [given.host] : ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${port}`))
  const scheme = given ? 'https' : 'http'
  return {
    url: given?.origin ?? `http://127.0.0.1:${port}`,
    secure: given !== undefined,
    checkHost(host) {
      if (host === undefined || !hosts.has(host.toLowerCase()))
        throw new Refusal(
          'host',
          `the console does not answer to this name; use ${given?.origin ?? 'its printed address'}`,
        )
    },
    checkOrigin({ origin, host, site }) {
      if (origin !== `${scheme}://${host?.toLowerCase()}` || (site !== undefined && site !== 'same-origin'))
        throw new Refusal('origin', 'only the page of the console itself may ask this')
    },
  }
}

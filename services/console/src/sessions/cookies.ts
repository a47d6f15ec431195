/** Cookies of the console: of this host alone, out of reach of scripts, and never sent with what another page asks. */

/** Cookies of one host are shared by its ports, so the name has the port. */
export interface CookieScope {
  readonly port: number
  readonly secure: boolean
}

export interface Cookie {
  /** @returns the header `set-cookie` */
  set(value: string, lifeMs: number): string
  /** @returns the header that removes the cookie of the browser */
  clear(): string
  /** @returns undefined if there is none, or several: a foreign page may have set another one */
  read(header: string | undefined): string | undefined
}

export function openCookie(kind: 'session' | 'oidc', { port, secure }: CookieScope): Cookie {
  const of = kind === 'session' ? '' : `${kind}`
  const name = secure ? `__Host-deed${of && `-${of}`}` : `deed_${of && `${of}_`}${port}`
  const attributes = `Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
  return {
    set: (value, lifeMs) => `${name}=${value}; Max-Age=${Math.floor(lifeMs / 1_000)}; ${attributes}`,
    clear: () => `${name}=; Max-Age=0; ${attributes}`,
    read(header = '') {
      const found = header
        .split(';')
        .map((part) => part.trim())
        .filter((part) => part.startsWith(`${name}=`))
      return found.length === 1 ? found[0]?.slice(name.length + 1) : undefined
    },
  }
}

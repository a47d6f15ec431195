/** The address is the state of the page: a path, and a query whose values are read by type. */
import { signal } from '@preact/signals'

export interface Place {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
}

/** Reads one value of a query. @returns undefined if the text is not such a value */
export type QueryType<T> = (text: string) => T | undefined

/** Where the page is. */
export const place = signal<Place>(readPlace(globalThis.location?.href ?? 'http://localhost/'))

export function readPlace(href: string): Place {
  const { pathname, searchParams } = new URL(href)
  return { path: pathname.replace(/(?<=.)\/+$/, ''), query: Object.fromEntries(searchParams) }
}

/** Goes to an address of the console. @param replace without a new step of the history, as for a filter that is typed */
export function go(url: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', url)
  else history.pushState(null, '', url)
  const before = place.value.path
  place.value = readPlace(location.href)
  // A reader of the screen continues at the page, not in the navigation.
  if (before !== place.value.path) document.getElementById('main')?.focus()
}

/** Follows the back button, and every link of the page that leads to a page of the console. */
export function startRouter(): void {
  addEventListener('popstate', () => {
    place.value = readPlace(location.href)
  })
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (!link || event.defaultPrevented || event.button !== 0 || link.target || link.hasAttribute('download')) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    if (link.origin !== location.origin || link.pathname.startsWith('/assets/')) return
    // A link within the page, such as the one that skips the navigation.
    if (link.hash !== '' && link.pathname === location.pathname) return
    event.preventDefault()
    go(link.href)
  })
}

/** `/executions/:id` in `/executions/01…`: `{ id: '01…' }`. @returns undefined if the path has another form */
export function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/')
  const parts = path.split('/')
  if (wanted.length !== parts.length) return undefined
  const found: Record<string, string> = {}
  for (const [index, want] of wanted.entries()) {
    const part = decoded(parts[index] ?? '')
    if (part === undefined || (!want.startsWith(':') && want !== part)) return undefined
    if (want.startsWith(':')) found[want.slice(1)] = part
  }
  return found
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

/** The values of a query, each by its type. Unknown names and values of another type are named in `faults`. */
export function readQuery<T extends Record<string, QueryType<unknown>>>(
  query: Place['query'],
  types: T,
): { values: { [K in keyof T]?: NonNullable<ReturnType<T[K]>> }; faults: string[] } {
  const values: Record<string, unknown> = {}
  const faults: string[] = []
  for (const [name, text] of Object.entries(query)) {
    const type = Object.hasOwn(types, name) ? types[name] : undefined
    const value = type?.(text)
    if (value === undefined) faults.push(type ? `${name}=${text}` : name)
    else values[name] = value
  }
  return { values: values as { [K in keyof T]?: NonNullable<ReturnType<T[K]>> }, faults }
}

export const oneOf =
  <const T extends string>(options: readonly T[]): QueryType<T> =>
  (text) =>
    options.find((option) => option === text)

export const words =
  (charsMax: number): QueryType<string> =>
  (text) =>
    text !== '' && text.length <= charsMax ? text : undefined

export const uuid: QueryType<string> = (text) => (UUID.test(text) ? text.toLowerCase() : undefined)
export const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** An exact time, or one before now: `15m`, `24h`, `7d`. */
export const time: QueryType<string> = (text) =>
  /^[1-9]\d{0,3}[mhd]$/.test(text) || (/^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text)))
    ? text
    : undefined

/** An address with a query; what is undefined or empty is left out. */
export function urlOf(path: string, query: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]))
  const text = new URLSearchParams(given).toString()
  return text === '' ? path : `${path}?${text}`
}

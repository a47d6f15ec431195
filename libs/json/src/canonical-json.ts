/** JSON with one spelling per value (RFC 8785), so that a hash identifies the value. */
import { hash } from 'node:crypto'

/** @throws {TypeError} for a value without a JSON form (NaN, Infinity, functions, lone surrogates) */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('a number that is not finite has no JSON')
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item === undefined ? null : item)).join(',')}]`
  if (typeof value === 'object') {
    const object = value as Record<string, unknown>
    let text = '{'
    // By UTF-16 code units, as the RFC requires and sort() does.
    for (const key of Object.keys(object).sort()) {
      const item = object[key]
      if (item === undefined) continue
      text += `${text.length > 1 ? ',' : ''}${quoted(key)}:${canonicalJson(item)}`
    }
    return `${text}}`
  }
  throw new TypeError(`a ${typeof value} has no JSON`)
}

function quoted(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('half of a surrogate pair has no JSON')
  return JSON.stringify(text)
}

/** In lower-case hex. */
export const sha256 = (data: string | Uint8Array): string => hash('sha256', data)

/** SHA-256 of the canonical JSON, in lower-case hex. */
export const hashJson = (value: unknown): string => sha256(canonicalJson(value))

/** UUIDv5 (RFC 9562): the same name in the same namespace gives the same id. */
export function uuidV5(namespace: string, name: string): string {
  const bytes = Buffer.concat([Buffer.from(namespace.replaceAll('-', ''), 'hex'), Buffer.from(name)])
  const hex = hash('sha1', bytes)
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Of a UUIDv7: `01997d0e-0000`. */
const TIME_CHARS = 13

/** @returns the same id for the same name; it begins with the time of `parent`, a UUIDv7, so keys of one time lie together */
export const derivedUuid = (parent: string, name: string): string =>
  parent.slice(0, TIME_CHARS) + uuidV5(parent, name).slice(TIME_CHARS)

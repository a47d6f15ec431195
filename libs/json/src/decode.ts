/**
 * Decodes bytes to a JSON value, refusing harmful ones: invalid UTF-8, excessive nesting, keys that reach prototypes,
 * values that JSON cannot express again, duplicate keys.
 */
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import { jsonFaultIn } from './json-fault.ts'
import { shownKey } from './shown-key.ts'

export const DEPTH_MAX = 32
/** Per object. The size of a message limits the total. */
export const KEYS_MAX = 1_000
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype'])

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Fewer consecutive digits are no integer beyond 2^53. */
const LONG_NUMBER = /\d{16}/

/**
 * @param options.exactIntegers refuse integers that a double cannot represent, instead of rounding them
 * @throws {DeedError} `invalid_encoding`, `invalid_json`, `too_deep`, `too_many_keys` or `forbidden_key`, with the path
 */
export function decodeJson(bytes: Uint8Array, { exactIntegers = false } = {}): Json {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch (cause) {
    throw new DeedError('invalid_encoding', 'the message is not valid UTF-8; send UTF-8 without a byte order mark', {
      path: '$',
      cause,
    })
  }
  if (text.charCodeAt(0) === 0xfeff) {
    throw new DeedError('invalid_encoding', 'the message begins with a byte order mark; send UTF-8 without one', {
      path: '$',
    })
  }
  // Before parsing, so that a deeply nested message costs one scan and no stack.
  const keys = countKeys(text)
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch (cause) {
    throw new DeedError('invalid_json', `the message is not JSON: ${jsonFault(text, cause)}`, { path: '$', cause })
  }
  // Without escapes, well-formed text contains neither NUL nor lone surrogates.
  const kept = harmlessKeys(value)
  if (text.includes('\\u') || kept === undefined) inspect(value)
  // Of duplicate keys, the parser has kept one.
  const faulty = kept !== keys || (exactIntegers && LONG_NUMBER.test(text))
  const fault = faulty ? jsonFaultIn(text, { exactIntegers }) : undefined
  if (fault) throw new DeedError('invalid_json', fault.message, { path: fault.path })
  return value
}

function jsonFault(text: string, cause: unknown): string {
  if (text.trim() === '') return 'it is empty'
  const position = cause instanceof Error ? /position (\d+)/.exec(cause.message)?.[1] : undefined
  return position === undefined ? 'it ends too early or holds something that is not JSON' : `see position ${position}`
}

/** @returns the total number of keys of all objects in the text */
function countKeys(text: string): number {
  let depth = 0
  let keys = 0
  let inString = false
  const escapes = text.includes('\\')
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (inString) {
      if (code === 0x5c) index++
      else if (code === 0x22) inString = false
    } else if (code === 0x22) {
      // Most of a message is in strings, and a search is faster than a loop.
      const end = escapes ? index : text.indexOf('"', index + 1)
      if (end < 0) return keys
      inString = escapes
      index = end
    } else if (code === 0x3a) keys++
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > DEPTH_MAX) {
        throw new DeedError('too_deep', `the message is nested more than ${DEPTH_MAX} levels deep; flatten it`, {
          path: '$',
        })
      }
    } else if (code === 0x5d || code === 0x7d) depth--
  }
  return keys
}

/**
 * A fast check, since nearly every message is harmless; the slow one finds the position.
 *
 * @returns the total number of keys at any depth; undefined if one is harmful, or there are too many
 */
function harmlessKeys(value: Json): number | undefined {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item !== 'object') continue
      const below = harmlessKeys(item)
      if (below === undefined) return undefined
      count += below
    }
    return count
  }
  const keys = Object.keys(value)
  if (keys.length > KEYS_MAX) return undefined
  for (const key of keys) {
    if (FORBIDDEN_KEYS.has(key)) return undefined
    const item = value[key]
    if (typeof item !== 'object') continue
    const below = harmlessKeys(item as Json)
    if (below === undefined) return undefined
    count += below
  }
  return count + keys.length
}

/** The recursion is bounded by DEPTH_MAX. */
function inspect(root: Json): void {
  const visit = (value: Json, path: string): void => {
    if (typeof value === 'string') {
      refuseCharacters(value, path)
      return
    }
    if (typeof value !== 'object' || value === null) return
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index++) {
        const item = value[index]
        if (typeof item === 'object' || typeof item === 'string') visit(item as Json, `${path}[${index}]`)
      }
      return
    }
    const keys = Object.keys(value)
    if (keys.length > KEYS_MAX) {
      throw new DeedError('too_many_keys', `an object holds more than ${KEYS_MAX} keys; send a list instead`, { path })
    }
    for (const key of keys) {
      if (FORBIDDEN_KEYS.has(key)) {
        throw new DeedError('forbidden_key', `the key "${key}" is not allowed anywhere in a message; rename it`, {
          path: `${path}.${key}`,
        })
      }
      refuseCharacters(key, path)
      const item = value[key]
      if (typeof item === 'object' || typeof item === 'string') visit(item as Json, `${path}.${shownKey(key)}`)
    }
  }
  visit(root, '$')
}

/** PostgreSQL's JSON supports neither. */
function refuseCharacters(text: string, path: string): void {
  if (!text.isWellFormed()) {
    throw new DeedError('invalid_encoding', 'the text contains half of a surrogate pair; send whole characters', {
      path,
    })
  }
  if (text.includes('\0')) {
    throw new DeedError('invalid_encoding', 'the text contains the character NUL; remove it', { path })
  }
}

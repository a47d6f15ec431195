/**
 * Bytes into a JSON value, refusing what harms a reader: text that is not UTF-8, nesting that
 * overflows a stack, keys that reach prototypes, values that cannot be said in JSON again.
 */
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import { shownKey } from './shown-key.ts'

export const DEPTH_MAX = 32
/** Of one object. How much there is in all is bounded by the size of a message. */
export const KEYS_MAX = 1_000
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype'])

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * @throws {DeedError} `invalid_encoding`, `invalid_json`, `too_deep`, `too_many_keys` or `forbidden_key`, with the path
 */
export function decodeJson(bytes: Uint8Array): Json {
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
  // Before parsing, so that the nesting of a hostile message costs one scan and no stack.
  if (text.length > 2 * DEPTH_MAX) refuseDepth(text)
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch (cause) {
    throw new DeedError('invalid_json', `the message is not JSON: ${jsonFault(text, cause)}`, { path: '$', cause })
  }
  // Without escapes, a text of whole characters has neither NUL nor halves of them.
  if (text.includes('\\u') || !hasHarmlessKeys(value)) inspect(value)
  return value
}

function jsonFault(text: string, cause: unknown): string {
  if (text.trim() === '') return 'it is empty'
  const position = cause instanceof Error ? /position (\d+)/.exec(cause.message)?.[1] : undefined
  return position === undefined ? 'it ends too early or holds something that is not JSON' : `see position ${position}`
}

function refuseDepth(text: string): void {
  let depth = 0
  let inString = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (inString) {
      if (code === 0x5c) index++
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > DEPTH_MAX) {
        throw new DeedError('too_deep', `the message is nested more than ${DEPTH_MAX} levels deep; flatten it`, {
          path: '$',
        })
      }
    } else if (code === 0x5d || code === 0x7d) depth--
  }
}

/** Nearly every message has nothing to refuse, which is sooner seen than where it would be. */
function hasHarmlessKeys(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(hasHarmlessKeys)
  const keys = Object.keys(value)
  return keys.length <= KEYS_MAX && keys.every((key) => !FORBIDDEN_KEYS.has(key) && hasHarmlessKeys(value[key] as Json))
}

/** Recursion is bounded by DEPTH_MAX. */
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

/** PostgreSQL's JSON has neither of the two. */
function refuseCharacters(text: string, path: string): void {
  if (!text.isWellFormed()) {
    throw new DeedError('invalid_encoding', 'the text holds half of a surrogate pair; send whole characters', { path })
  }
  if (text.includes('\0')) {
    throw new DeedError('invalid_encoding', 'the text holds the character NUL; leave it out', { path })
  }
}

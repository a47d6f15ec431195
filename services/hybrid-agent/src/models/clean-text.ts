/**
 * Cleans a text before a model reads it: no secrets, and nothing that a person would not see in the same text. From
 * foreign texts, markup that no browser shows and base64 are removed, too; the requester's own words keep their markup.
 */

import type { Json } from '@deed/proto/json'
import { redact } from '@deed/telemetry/redact'
import { withoutBase64 } from '@deed/text/base64-texts'

/**
 * Tags, which can spell a hidden text; zero-width characters, fillers, selectors, direction marks; control characters
 * except tab and newline.
 */
const UNSEEN = /[\p{Cf}\p{Default_Ignorable_Code_Point}]|[^\P{Cc}\t\n]/gu
/** HTML comments, and the Markdown idiom for comments. */
const COMMENT = /<!--[\s\S]*?(?:-->|$)|^\[[^\]\n]*\]:[ \t]*#[ \t]*(?:\([^\n]*\)|"[^\n]*"|'[^\n]*')[ \t]*$/gm
// Bounded, so that unclosed tags do not each scan to the end of the text.
const OPENING_TAG = /<([a-z][a-z0-9-]{0,60})\b((?:"[^"]{0,1000}"|'[^']{0,1000}'|[^<>"']){0,1000})>/gi
const HIDES =
  /(?:^|\s)hidden(?=[\s=/]|$)|display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0*\.?0*\s*(?:[;"'!]|$)|font-size\s*:\s*0*\.?[01]?(?:px|pt|em|rem|%)?\s*(?:[;"'!]|$)|(?:^|[\s;"'])color\s*[:=]\s*["']?(?:white|transparent|#fff(?:f|fff|fffff)?\b|rgba?\(\s*255\s*,\s*255\s*,\s*255|rgba\([^)]*,\s*0*\.?0*\s*\))/i
const ENDLESS = new Set(['img', 'br', 'hr', 'input', 'meta', 'link', 'source', 'wbr', 'area', 'col', 'embed', 'base'])

/** For the requester's own words. */
export const cleanText = (text: string): string => redact(seenText(text))

/** For text from others. */
export function cleanForeign(text: string): string {
  // Invisible characters are removed first: a zero-width character could otherwise break the match of a delimiter.
  const seen = withoutHiddenElements(seenText(text).replace(COMMENT, '[comment removed]'))
  return redact(withoutBase64(seen, '[base64 removed]'))
}

const seenText = (text: string): string => text.replaceAll('\r\n', '\n').replace(UNSEEN, '')

export function cleanJson(value: Json): Json {
  if (typeof value === 'string') return cleanForeign(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(cleanJson)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [cleanForeign(key), cleanJson(item)]))
}

/** Removes elements whose own tag hides them, with their content. Style sheets are not evaluated. */
function withoutHiddenElements(text: string): string {
  const parts: string[] = []
  let kept = 0
  OPENING_TAG.lastIndex = 0
  for (let tag = OPENING_TAG.exec(text); tag; tag = OPENING_TAG.exec(text)) {
    const [whole, name = '', attributes = ''] = tag
    if (!HIDES.test(attributes)) continue
    const end = ENDLESS.has(name.toLowerCase()) ? tag.index + whole.length : endOf(name, text, tag.index + whole.length)
    parts.push(text.slice(kept, tag.index), '[hidden text removed]')
    kept = end
    OPENING_TAG.lastIndex = end
  }
  return parts.join('') + text.slice(kept)
}

/** @returns the end of the element; for an unclosed element, the end of the text */
function endOf(name: string, text: string, from: number): number {
  const tags = new RegExp(`<(/?)${name}\\b[^>]*>`, 'gi')
  tags.lastIndex = from
  let depth = 1
  for (let tag = tags.exec(text); tag; tag = tags.exec(text)) {
    depth += tag[1] === '' ? 1 : -1
    if (depth === 0) return tags.lastIndex
  }
  return text.length
}

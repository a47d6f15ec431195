/**
 * What a model may read of a text: no secret, and nothing that a person reading the same text would not see. Of what others
 * wrote, markup that no browser shows and words in base64 are taken out, too; what the requester says stays as it is.
 */
import { withoutBase64 } from '@deed/mesh/base64-texts'
import type { Json } from '@deed/proto/json'
import { redact } from '@deed/telemetry/redact'

/** Tags, which spell a hidden text; zero-width, fillers, selectors, direction marks; controls but tab and line end. */
const UNSEEN = /[\p{Cf}\p{Default_Ignorable_Code_Point}]|[^\P{Cc}\t\n]/gu
/** Of HTML, and the one that Markdown has for want of its own. */
const COMMENT = /<!--[\s\S]*?(?:-->|$)|^\[[^\]\n]*\]:[ \t]*#[ \t]*(?:\([^\n]*\)|"[^\n]*"|'[^\n]*')[ \t]*$/gm
// Bounded, so that tags which are never closed are not read to the end of the text, each of them.
const OPENING_TAG = /<([a-z][a-z0-9-]{0,60})\b((?:"[^"]{0,1000}"|'[^']{0,1000}'|[^<>"']){0,1000})>/gi
const HIDES =
  /(?:^|\s)hidden(?=[\s=/]|$)|display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0*\.?0*\s*(?:[;"'!]|$)|font-size\s*:\s*0*\.?[01]?(?:px|pt|em|rem|%)?\s*(?:[;"'!]|$)|(?:^|[\s;"'])color\s*[:=]\s*["']?(?:white|transparent|#fff(?:f|fff|fffff)?\b|rgba?\(\s*255\s*,\s*255\s*,\s*255|rgba\([^)]*,\s*0*\.?0*\s*\))/i
const ENDLESS = new Set(['img', 'br', 'hr', 'input', 'meta', 'link', 'source', 'wbr', 'area', 'col', 'embed', 'base'])

/** Of the requester's own words. */
export const cleanText = (text: string): string => redact(seenText(text))

/** Of what others wrote. */
export function cleanForeign(text: string): string {
  // What is not seen goes first: a mark with a sign of no width in it would be none.
  const seen = withoutHiddenElements(seenText(text).replace(COMMENT, '[a comment was taken out]'))
  return redact(withoutBase64(seen, '[base64 was taken out]'))
}

const seenText = (text: string): string => text.replaceAll('\r\n', '\n').replace(UNSEEN, '')

export function cleanJson(value: Json): Json {
  if (typeof value === 'string') return cleanForeign(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(cleanJson)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [cleanForeign(key), cleanJson(item)]))
}

/** Elements whose own tag says that nobody sees them, with all that is in them. What a style sheet hides is not known here. */
function withoutHiddenElements(text: string): string {
  const parts: string[] = []
  let kept = 0
  OPENING_TAG.lastIndex = 0
  for (let tag = OPENING_TAG.exec(text); tag; tag = OPENING_TAG.exec(text)) {
    const [whole, name = '', attributes = ''] = tag
    if (!HIDES.test(attributes)) continue
    const end = ENDLESS.has(name.toLowerCase()) ? tag.index + whole.length : endOf(name, text, tag.index + whole.length)
    parts.push(text.slice(kept, tag.index), '[hidden text was taken out]')
    kept = end
    OPENING_TAG.lastIndex = end
  }
  return parts.join('') + text.slice(kept)
}

/** @returns where the element ends; of one that is never closed, the end of the text */
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

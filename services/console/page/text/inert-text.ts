/** Text of the world, made safe to show: hidden characters are visible, and it is cut. */
import { exposedLine, exposedText } from '@deed/text/exposed-text'

export interface ShownText {
  readonly text: string
  /** Characters that are not shown. */
  readonly omitted: number
}

/** More than this is never put on the page at once. */
const CHARS_MAX = 200_000

/** @param charsMax a longer text is cut here. Hidden characters are escaped after the cut, so that work is bounded. */
export function inertText(text: string, charsMax: number, { oneLine = false } = {}): ShownText {
  const bound = Math.min(charsMax, CHARS_MAX)
  // Never through the middle of a character.
  const cut = text.length > bound ? text.slice(0, bound).replace(/[\ud800-\udbff]$/, '') : text
  return { text: oneLine ? exposedLine(cut) : exposedText(cut), omitted: text.length - cut.length }
}

/** The last digits: ids of one moment begin alike, and differ at the end. */
export const shortId = (id: string): string => id.slice(-8)

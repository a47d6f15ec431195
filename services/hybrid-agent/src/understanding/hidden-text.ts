/** Finds characters that make a sentence look like another one. Such a sentence is never acted on by similarity. */
import { exposedText } from '@deed/text/exposed-text'

/** Spaces and joiners that programs insert when text is copied, and that deceive nobody. */
const HARMLESS = /\u00a0|\u2009|\u202f|\ufe0f|\r/g
const ASCII = /^[\t\n\r\x20-\x7e]*$/

export function hasHiddenText(text: string): boolean {
  if (ASCII.test(text)) return false
  const plain = text.replace(HARMLESS, ' ')
  return exposedText(plain) !== plain
}

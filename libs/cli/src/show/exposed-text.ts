/**
 * Text that somebody is to agree to: nothing in it may be hidden. What plain-text.ts takes out is shown here as an
 * escape, and so are letters that pass for those of another alphabet.
 */

// What a terminal obeys or does not show: controls, formats, tags, fillers, variation selectors, private use.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu
// Spaces that are none of the keyboard's.
const SPACES = /(?! )\p{Zs}/gu
const WORD = /[\p{L}\p{M}\p{N}_.-]+/gu
const LATIN = /\p{Script=Latin}/u
const LOOK_ALIKES =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Lisu}\uff01-\uff5e\u{1d400}-\u{1d7ff}]/gu

/** Several lines may remain. */
export const exposedText = (text: string): string =>
  text
    .replace(HIDDEN, (character) => (character === '\n' || character === '\t' ? character : escaped(character)))
    .replace(SPACES, escaped)
    .replace(WORD, (word) => (LATIN.test(word) ? word.replace(LOOK_ALIKES, escaped) : word))

export const exposedLine = (text: string): string => exposedText(text).replace(/\s+/g, ' ').trim()

const escaped = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`

/**
 * Makes hidden characters visible in text that somebody approves. Invisible characters are shown as escapes, as are
 * letters that look like those of another alphabet.
 */

// Characters that a terminal obeys or hides: controls, formats, tags, fillers, variation selectors, private use.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu
// Spaces other than the ordinary one.
const SPACES = /(?! )\p{Zs}/gu
const WORD = /[\p{L}\p{M}\p{N}_.-]+/gu
const LATIN = /\p{Script=Latin}/u
const LOOK_ALIKES =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Lisu}\uff01-\uff5e\u{1d400}-\u{1d7ff}]/gu

// Letters of other alphabets that can spell a whole Latin word, as in `c\u0441p`: `rm`, `cp`, `scp`, `exec`.
const PASSES_FOR_LATIN =
  /^[\u0430\u0433\u0435\u043a\u043c\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb\u04cf\u0501\u051b\u051d\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0405\u0406\u0408\u03bd\u03bf\u03c1\u03c5\u03ba\u03b9\p{N}\p{M}_.-]+$/u
const LETTER = /\p{L}/u

/** The result may have several lines. */
export function exposedText(text: string): string {
  const shown = text
    .replace(HIDDEN, (character) => (character === '\n' || character === '\t' ? character : escaped(character)))
    .replace(SPACES, escaped)
  const words = shown.match(WORD) ?? []
  const foreign = words.filter((word) => LETTER.test(word) && !LATIN.test(word))
  // In a text of that alphabet such words are common; without any other word of it, they imitate Latin ones.
  const passing = foreign.every((word) => PASSES_FOR_LATIN.test(word))
  return shown.replace(WORD, (word) => (passing || LATIN.test(word) ? word.replace(LOOK_ALIKES, escaped) : word))
}

/** A name with its hidden characters as escapes, including line breaks and tabs; unchanged if there are none. */
export const exposedName = (name: string): string => name.replace(HIDDEN, escaped)

export const exposedLine = (text: string): string => exposedText(text).replace(/\s+/g, ' ').trim()

const escaped = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`

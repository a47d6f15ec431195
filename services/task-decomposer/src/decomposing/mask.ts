/** Masks quoted text, code and brackets, so that they are not searched for clauses. */

/** Replaces each masked character; positions stay the same. */
const FILLER = '\uE000'

const HIDDEN =
  /```[\s\S]*?```|`[^`\n]+`|"[^"\n]*"|“[^“”\n]*”|«[^«»\n]*»|(?<![A-Za-z0-9])'[^'\n]+'(?![A-Za-z0-9])|\([^()\n]*\)|\[[^[\]\n]*\]|\{[^{}\n]*\}/g

const OPENS = /["'`“«([{]/

/** The text with fillers, of the same length. */
export function mask(text: string): string {
  return OPENS.test(text) ? text.replace(HIDDEN, (hidden) => FILLER.repeat(hidden.length)) : text
}

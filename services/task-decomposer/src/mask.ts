/** Hides what is quoted, code or in brackets, so that nobody looks for clauses in it. */

/** Stands for each hidden character; positions stay the same. */
const FILLER = '\uE000'

const HIDDEN =
  /```[\s\S]*?```|`[^`\n]+`|"[^"\n]*"|“[^“”\n]*”|«[^«»\n]*»|(?<![A-Za-z0-9])'[^'\n]+'(?![A-Za-z0-9])|\([^()\n]*\)|\[[^[\]\n]*\]|\{[^{}\n]*\}/g

/** The same text, of the same length, with fillers where it is not the caller's own sentence. */
export function mask(text: string): string {
  return text.replace(HIDDEN, (hidden) => FILLER.repeat(hidden.length))
}

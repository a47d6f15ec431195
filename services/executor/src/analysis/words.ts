/** The words of source code: names also by their parts, as `parse`, `http` and `request` of `parseHttpRequest`. */
const TERMS_MAX = 30
const IN_PARTS = /\p{L}[\p{L}\p{N}]*(?:\p{Ll}\p{Lu}|\p{Lu}\p{Lu}\p{Ll})[\p{L}\p{N}]*/gu

const parts = (name: string): string =>
  name.replace(/(\p{Ll}|\p{N})(?=\p{Lu})/gu, '$1 ').replace(/(\p{Lu})(?=\p{Lu}\p{Ll})/gu, '$1 ')

/** The text, and after it the parts of its names. */
export const indexedText = (text: string): string => {
  const names = text.match(IN_PARTS)
  return names ? `${text}\n${names.map(parts).join(' ')}` : text
}

/** What is looked for, each once and in lower case. */
export const termsOf = (words: string): string[] =>
  [
    ...new Set(
      indexedText(words)
        .toLowerCase()
        .match(/[\p{L}\p{N}]+/gu),
    ),
  ].slice(0, TERMS_MAX)

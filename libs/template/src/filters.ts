/** What a placeholder may do to its value: spell it another way, so that it fits where it stands. */

/** Name of a filter, and what it makes of a value. Each gives the same for the same, and never fails. */
export const FILTERS: ReadonlyMap<string, (value: string) => string> = new Map([
  ['pascal', (value) => words(value).map(capitalised).join('')],
  ['camel', (value) => lowerFirst(words(value).map(capitalised).join(''))],
  ['snake', (value) => words(value).join('_')],
  ['kebab', (value) => words(value).join('-')],
  ['screaming', (value) => words(value).join('_').toUpperCase()],
  ['title', (value) => words(value).map(capitalised).join(' ')],
  ['words', (value) => words(value).join(' ')],
  ['prose', prose],
])

/**
 * The words of a name, in lower case: `userEvents`, `user-events` and `User events` have the same.
 * Accents are dropped; a first word that begins with a digit gets an `n` before it, so that every
 * spelling is an identifier.
 */
function words(value: string): string[] {
  const found = value
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
  if (found[0] !== undefined && /^\d/.test(found[0])) found[0] = `n${found[0]}`
  return found
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

function lowerFirst(word: string): string {
  return word.charAt(0).toLowerCase() + word.slice(1)
}

/** One line that ends neither a comment nor a string, in any of the languages. */
function prose(value: string): string {
  return value
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replace(/["'`\\]/g, '')
    .replace(/[#$]\{|\*\/|\/\*|--+|<!|<%|%>|<\?|\?>/g, ' ')
    .replace(/ +/g, ' ')
    .trim()
}

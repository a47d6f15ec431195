/** Fills words with names: `create a table for {{name}} in migrations/{{name | snake}}.sql`. */
import { FILTERS } from '@deed/template/filters'

const PLACEHOLDER = /\{\{\s*([a-z_]+)\s*(?:\|\s*([a-z]+)\s*)?\}\}/g

/** A name without a value is left out; `faultOfWords` refuses such words when they are read. */
export const fillWords = (words: string, values: Readonly<Record<string, string>>): string =>
  words.replace(PLACEHOLDER, (_, name: string, filter: string | undefined) => {
    const value = values[name] ?? ''
    return filter === undefined ? value : (FILTERS.get(filter)?.(value) ?? value)
  })

/** @returns what is wrong with the words; undefined if every name and filter is known */
export function faultOfWords(words: string, names: ReadonlySet<string>): string | undefined {
  for (const [, name = '', filter] of words.matchAll(PLACEHOLDER)) {
    if (!names.has(name)) return `the sentence has no {${name}}`
    if (filter !== undefined && !FILTERS.has(filter))
      return `there is no filter ${filter}; the filters are ${[...FILTERS.keys()].join(', ')}`
  }
  return /\{\{|\}\}/.test(words.replace(PLACEHOLDER, '')) ? 'a placeholder is malformed' : undefined
}

/** Finds the words from which fingers make another one: two letters swapped, one left out, doubled, or the key beside it. */

import { lettersIndex } from './like-letters.ts'

const ROWS = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm']
const BESIDE = new Set(ROWS.flatMap((row) => [...row].slice(1).flatMap((key, at) => [row[at]! + key, key + row[at]!])))
const LETTERS_MAX = 40

/** @returns the words of which the given one may be a misspelling */
export function typedIndex(words: Iterable<string>): (word: string) => readonly string[] {
  const alike = lettersIndex(words)
  return (word) => (word.length > LETTERS_MAX ? [] : alike(word, 1).filter((one) => isTyped(word, one)))
}

function isTyped(written: string, meant: string): boolean {
  let at = 0
  while (at < written.length && written[at] === meant[at]) at++
  if (at === written.length && at === meant.length) return false
  const [a, b] = [written[at], written[at + 1]]
  switch (written.length - meant.length) {
    case 0:
      return (
        (BESIDE.has(`${a}${meant[at]}`) && written.slice(at + 1) === meant.slice(at + 1)) ||
        (a === meant[at + 1] && b === meant[at] && written.slice(at + 2) === meant.slice(at + 2))
      )
    case -1:
      return written.slice(at) === meant.slice(at + 1)
    case 1:
      return written.slice(at + 1) === meant.slice(at) && (a === written[at - 1] || a === b)
    default:
      return false
  }
}

/** The first letter is right, or swapped with the second. */
export const beginsAs = (written: string, word: string): boolean =>
  written[0] === word[0] || (written[0] === word[1] && written[1] === word[0])

/** Finds the words from which fingers make another one: two letters swapped, one left out, doubled, or the key beside it. */

const ROWS = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm']
const BESIDE = new Set(ROWS.flatMap((row) => [...row].slice(1).flatMap((key, at) => [row[at]! + key, key + row[at]!])))
const LETTERS_MAX = 40

/** @returns the words of which the given one may be a misspelling */
export function typedIndex(words: Iterable<string>): (word: string) => readonly string[] {
  const byForm = new Map<string, string[]>()
  for (const word of new Set(words)) {
    if (word.length > LETTERS_MAX) continue
    for (const form of formsOf(word)) {
      const known = byForm.get(form)
      if (known) known.push(word)
      else byForm.set(form, [word])
    }
  }
  return (word) => {
    if (word.length > LETTERS_MAX) return []
    const near = new Set([...formsOf(word)].flatMap((form) => byForm.get(form) ?? []))
    return [...near].filter((one) => isTyped(word, one))
  }
}

/** The word, and what remains of it without one letter: two words with one error between them share such a form. */
function formsOf(word: string): Set<string> {
  const forms = new Set([word])
  for (let at = 0; at < word.length; at++) forms.add(word.slice(0, at) + word.slice(at + 1))
  return forms
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

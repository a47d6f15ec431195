/** The words that separate what a task asks for, as fingers misspell them: `thne`, `andd`, `exept`. */

const JOINTS = ['and', 'then', 'but', 'except', 'afterwards', 'before', 'after', 'finally']
const ROWS = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm']
/** Words of their own. */
const WORDS = new Set(
  'an ad add aid ant any the hen ten than them they thin den hand band sand land end nut bit bug buy by bt expect accept excepted tent final finals'.split(
    ' ',
  ),
)

/** The word with one typing error: a letter doubled, left out, swapped with the next, or the key beside it. */
export function* errorsOf(word: string): Generator<string> {
  for (let at = 0; at < word.length; at++) {
    const [before, letter, behind] = [word.slice(0, at), word[at]!, word.slice(at + 1)]
    yield before + letter + letter + behind
    if (word.length > 3 || at > 0) yield before + behind
    if (behind !== '') yield before + behind[0] + letter + behind.slice(1)
    const row = ROWS.find((keys) => keys.includes(letter)) ?? ''
    for (const key of [row[row.indexOf(letter) - 1], row[row.indexOf(letter) + 1]])
      if (key !== undefined) yield before + key + behind
  }
}

const MEANT = new Map<string, string>()
for (const joint of JOINTS)
  for (const error of errorsOf(joint))
    if (error.length > 2 && !JOINTS.includes(error) && !WORDS.has(error)) MEANT.set(error, joint)

const WORD = /(?<![\w./@-])[a-z]{3,11}(?![\w/@-]|\.\w)/gi

/** The word that a misspelt joint stands for, with its place in the text. */
export function misspeltJoints(
  text: string,
): { readonly start: number; readonly end: number; readonly joint: string }[] {
  const found = []
  for (const { 0: word, index } of text.matchAll(WORD)) {
    const joint = MEANT.get(word.toLowerCase())
    if (joint !== undefined) found.push({ start: index, end: index + word.length, joint })
  }
  return found
}

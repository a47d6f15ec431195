// The repository uses the words of docs/glossary.md, and none of those that its last tables replace.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT, read } from './markdown.ts'

const GLOSSARY = 'docs/glossary.md'
const TEXTS = ['ts', 'mts', 'mjs', 'py', 'c', 'sql', 'md', 'yaml', 'json'].map((extension) => `*.${extension}`)
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...TEXTS], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && ![GLOSSARY, 'package-lock.json'].includes(file) && existsSync(join(ROOT, file)))
  // What people say is in their own words.
  .filter((file) => !file.startsWith('services/hybrid-agent/rules/'))

interface Replaced {
  readonly word: string
  readonly better: string
}

/** The rows of a table: several words in one cell share what is better. */
function tableUnder(heading: string): Replaced[] {
  const section = read(GLOSSARY).split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/^\| (`.+?) +\| (.+?) +\|$/gm)].flatMap(([, words = '', better = '']) =>
    [...words.matchAll(/`([^`]+)`/g)].map(([, word = '']) => ({ word, better })),
  )
}

const replacedWords = tableUnder('Words to replace')
const replacedNames = tableUnder('Names to replace')

/** In any case, also where a phrase continues on the next line of a comment. */
function findWords(file: string, text: string): string[] {
  return replacedWords.flatMap(({ word, better }) => {
    const pattern = word.split(' ').join(String.raw`\s+(?:(?:\*|//|#|--)\s*)?`)
    const found = text.matchAll(new RegExp(String.raw`\b${pattern}\b`, 'gi'))
    return [...found].map(({ index }) => `${file}:${lineAt(text, index)}: "${word}"; better: ${better}`)
  })
}

/** A part of a name that is declared: `Kept` is in `KeptEntry` and `isKept`, and not in `kept`. */
function findNames(file: string, text: string): string[] {
  const declared = [...text.matchAll(/\b(?:interface|type|class|enum|function|const|let)\s+(\w+)/g)]
  return declared.flatMap(({ 1: name = '', index }) =>
    replacedNames
      .filter(({ word }) => new RegExp(`(?:^${word}|${word[0]?.toUpperCase()}${word.slice(1)})(?![a-z])`).test(name))
      .map(({ better }) => `${file}:${lineAt(text, index)}: the name ${name}; better: ${better}`),
  )
}

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length

it('the tables of the glossary list words and names to replace', () => {
  expect(replacedWords.length).toBeGreaterThan(10)
  expect(replacedNames.length).toBeGreaterThan(10)
})

it('a word is found in any case, and across the lines of a comment', () => {
  const [word = { word: '', better: '' }] = replacedWords.filter((row) => row.word.includes(' '))
  const [first = '', ...others] = word.word.split(' ')
  const text = `/**\n * It ${first.toUpperCase()}\n * ${others.join(' ')} here.\n */\n`
  expect(findWords('a.ts', text)).toEqual([`a.ts:2: "${word.word}"; better: ${word.better}`])
  expect(findWords('a.ts', `It is${word.word}s.`)).toEqual([])
})

it('a name is found by its part, and not by a longer or a lower-case word', () => {
  const text = ['Row', 'Rows', 'ing'].map((end) => `const is${replacedNames[0]?.word}${end} = 1`).join('\n')
  expect(findNames('a.ts', text).map((line) => line.split(';')[0])).toEqual([
    `a.ts:1: the name is${replacedNames[0]?.word}Row`,
    `a.ts:2: the name is${replacedNames[0]?.word}Rows`,
  ])
  expect(findNames('a.ts', `const ${replacedNames[0]?.word.toLowerCase()} = 1`)).toEqual([])
})

it('no source, comment, message, test title or page uses a word that the glossary replaces', () => {
  expect(files).toContain('libs/mesh/src/bus.ts')
  expect(files.flatMap((file) => findWords(file, read(file)))).toEqual([])
})

it('no source declares a name that the glossary replaces', () => {
  expect(files.filter((file) => file.endsWith('ts')).flatMap((file) => findNames(file, read(file)))).toEqual([])
})

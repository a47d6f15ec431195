// All styles are loaded together, so those of one page must not reach another.
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'

const PAGE = join(import.meta.dirname, '..')
const filesOf = (pattern: string): string[] => globSync(pattern, { cwd: PAGE }).toSorted()

/** The selectors of a file, each with the classes of its first part, up to the first blank or combinator. */
function selectorsOf(file: string): { selector: string; first: string[] }[] {
  const text = readFileSync(join(PAGE, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '')
  return [...text.matchAll(/([^{};]+)\{/g)]
    .map(([, list = '']) => list.trim())
    .filter((list) => !list.startsWith('@') && !/^(?:from|to|\d+%)$/.test(list))
    .flatMap((list) => list.split(/,(?![^(]*\))/).map((one) => one.trim()))
    .map((selector) => {
      const [part = ''] = selector.split(/[\s>+~](?![^(]*\))/)
      return { selector, first: [...part.matchAll(/\.([a-z][\w-]*)/g)].map(([, name = '']) => name) }
    })
}

const pages = filesOf('pages/*/*.css')
const declared = new Map(
  [...filesOf('styles/*.css'), ...pages].map((file) => [
    file,
    new Set(selectorsOf(file).flatMap(({ first }) => first)),
  ]),
)

it.each(pages)('%s reaches what is of its page alone', (file) => {
  const others = [...declared].filter(([other]) => other !== file).map(([, names]) => names)
  const reaching = selectorsOf(file).filter(
    ({ first }) => !first.some((name) => others.every((names) => !names.has(name))),
  )
  expect(reaching.map(({ selector }) => `${basename(file)}: ${selector}`)).toEqual([])
})

/** The places of a folder whose words are most like those that are given. */
import type { CodePlaces } from '@deed/proto/code'
import type { World } from '../kind/kind.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { languageOf } from './languages.ts'
import { readText } from './scan.ts'
import type { FoundPlace, SourceIndex } from './source-index.ts'
import { indexedText, termsOf } from './words.ts'

const PLACES_OF_FILE_MAX = 3
const TEXT_CHARS_MAX = 20_000
/** A name that is exactly the one that is given. */
const SAME_NAME = 2

export interface FindOptions {
  readonly words: string
  readonly limit: number
  readonly lines: number
}

export function findPlaces(
  index: SourceIndex,
  workspace: Workspace,
  { words, limit, lines }: FindOptions,
  world: Pick<World, 'dataFolder'>,
): Pick<CodePlaces, 'places' | 'unknown_words'> {
  const terms = termsOf(words)
  const unknown = terms.filter((term) => !index.hasTerm(term))
  const known = terms.filter((term) => !unknown.includes(term))
  if (known.length === 0) return { places: [], unknown_words: unknown }
  const found = index.find(known, workspace.base.join('/'), limit * PLACES_OF_FILE_MAX)
  const wanted = words.trim().toLowerCase()
  const ranked = found
    .map((place) => ({ ...place, score: place.score * (nameOf(place) === wanted ? SAME_NAME : 1) }))
    .sort((a, b) => b.score - a.score)
  const counts = new Map<string, number>()
  const places: CodePlaces['places'] = []
  for (const place of ranked) {
    const count = counts.get(place.path) ?? 0
    if (places.length === limit || count === PLACES_OF_FILE_MAX) continue
    counts.set(place.path, count + 1)
    const { path, line, end, symbol, kind, score } = place
    const shown = textOf(readText(workspace, path, world), place, known, lines)
    const { language } = languageOf(path)
    places.push({
      path,
      line,
      end_line: end,
      symbol,
      kind,
      language,
      score: Math.round(score * 1_000) / 1_000,
      ...shown,
    })
  }
  return { places, unknown_words: unknown }
}

const nameOf = ({ symbol }: FoundPlace): string | undefined => symbol?.split('.').at(-1)?.toLowerCase()

/** From the line with the most words on, which may have changed since it was indexed. */
function textOf(text: string | undefined, { line, end }: FoundPlace, terms: readonly string[], lines: number) {
  const all = text?.split('\n').slice(line - 1, end) ?? []
  let [best, at] = [0, 0]
  for (const [index, one] of all.entries()) {
    const own = indexedText(one).toLowerCase()
    const count = terms.filter((term) => own.includes(term)).length
    if (count > best) [best, at] = [count, index]
  }
  const from = all.length - at < lines ? Math.max(0, all.length - lines) : at
  return {
    text: all
      .slice(from, from + lines)
      .join('\n')
      .slice(0, TEXT_CHARS_MAX),
    text_line: line + from,
  }
}

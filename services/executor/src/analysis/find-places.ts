/** The places of a folder whose words are most like those that are given, or whose meaning is. */
import type { CodePlaces } from '@deed/proto/code'
import type { World } from '../kind/kind.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { languageOf } from './languages.ts'
import { nearestPlaces, type QueryVector } from './nearest-places.ts'
import { readText } from './scan.ts'
import type { FoundPlace, SourceIndex } from './source-index.ts'
import { indexedText, termsOf } from './words.ts'

const PLACES_OF_FILE_MAX = 3
const TEXT_CHARS_MAX = 20_000
/** A name that is exactly the one that is given. */
const SAME_NAME = 2
/** @see Cormack, Clarke and Buettcher, "Reciprocal rank fusion outperforms Condorcet" (2009) */
const RANK_OFFSET = 60

export interface FindOptions {
  readonly words: string
  readonly limit: number
  readonly lines: number
  /** Of the words, by a model: places with vectors of it are ranked by meaning, too. */
  readonly vector?: QueryVector | undefined
}

export function findPlaces(
  index: SourceIndex,
  workspace: Workspace,
  { words, limit, lines, vector }: FindOptions,
  world: Pick<World, 'dataFolder'>,
): Pick<CodePlaces, 'places' | 'unknown_words'> {
  const terms = termsOf(words)
  const unknown = terms.filter((term) => !index.hasTerm(term))
  const known = terms.filter((term) => !unknown.includes(term))
  const folder = workspace.base.join('/')
  const found = known.length === 0 ? [] : index.find(known, folder, limit * PLACES_OF_FILE_MAX)
  const wanted = words.trim().toLowerCase()
  const byWords = found
    .map((place) => ({ ...place, score: place.score * (nameOf(place) === wanted ? SAME_NAME : 1) }))
    .sort((a, b) => b.score - a.score)
  const ranked = vector ? fused(byWords, nearestPlaces(index, folder, vector, limit * PLACES_OF_FILE_MAX)) : byWords
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
      score: Math.round(score * 100_000) / 100_000,
      ...shown,
    })
  }
  return { places, unknown_words: unknown }
}

/** Reciprocal rank fusion: the sum of 1 / (60 + rank) over both rankings, whose own scores are not comparable. */
function fused(...rankings: readonly (readonly FoundPlace[])[]): FoundPlace[] {
  const places = new Map<number, FoundPlace>()
  for (const ranking of rankings) {
    for (const [rank, place] of ranking.entries()) {
      const score = (places.get(place.id)?.score ?? 0) + 1 / (RANK_OFFSET + rank + 1)
      places.set(place.id, { ...place, score })
    }
  }
  return [...places.values()].sort((a, b) => b.score - a.score)
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

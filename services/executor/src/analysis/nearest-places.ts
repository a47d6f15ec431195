/** The places whose vectors are nearest to that of a question, and the texts of those that have none yet. */
import { cosine, readVector } from '@deed/text/vector'
import type { World } from '../kind/kind.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { readText } from './scan.ts'
import { type FoundPlace, hashOfText, type SourceIndex, textToEmbed } from './source-index.ts'

/** A unit vector, and the name and build of the model that made it. */
export interface QueryVector {
  readonly model: string
  readonly values: Float32Array
}

/** Below this a place is nearest only since nothing is near. */
const SIMILARITY_MIN = 0.2

/** @returns at most `limit`, the nearest first; the score is the cosine */
export function nearestPlaces(
  index: Pick<SourceIndex, 'eachVector'>,
  folder: string,
  { model, values }: QueryVector,
  limit: number,
): FoundPlace[] {
  const found: FoundPlace[] = []
  index.eachVector(model, folder, (place, bytes) => {
    const vector = readVector(bytes, values.length)
    const score = vector ? cosine(values, vector) : 0
    if (score < SIMILARITY_MIN || (found.length === limit && score <= found[limit - 1]!.score)) return
    let at = found.length
    while (at > 0 && found[at - 1]!.score < score) at--
    found.splice(at, 0, { ...place, score })
    if (found.length > limit) found.pop()
  })
  return found
}

export interface TextToEmbed {
  readonly hash: string
  readonly text: string
}

/** Without secrets. What has changed since it was indexed is left for after the next scan. */
export function textsToEmbed(
  index: Pick<SourceIndex, 'withoutVector'>,
  workspace: Workspace,
  { model, max }: { readonly model: string; readonly max: number },
  world: Pick<World, 'dataFolder'>,
): TextToEmbed[] {
  const texts = new Map<string, readonly string[]>()
  const linesOf = (path: string): readonly string[] => {
    const lines = texts.get(path) ?? readText(workspace, path, world)?.split('\n') ?? []
    texts.set(path, lines)
    return lines
  }
  return index.withoutVector(model, workspace.base.join('/'), max).flatMap(({ path, symbol, hash, ...place }) => {
    const text = textToEmbed(linesOf(path), place, symbol)
    return hashOfText(text) === hash ? [{ hash, text }] : []
  })
}

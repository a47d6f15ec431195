/** Places of a workspace by words, and by meaning where there is a model, from what is known of its files, brought up to date. */
import type { Handler } from '@deed/mesh/bus'
import { Action } from '@deed/proto/action'
import type { searchCode as contract } from '@deed/proto/code'
import type { Analyst } from '../analysis/analyst.ts'
import type { IgnoredByGit } from '../analysis/ignored-by-git.ts'
import type { Meanings } from '../analysis/meanings.ts'
import { namedFolder } from '../analysis/named-folder.ts'
import type { Context, World } from '../kind/kind.ts'
import { observingContext } from './inspect-action.ts'

interface Dependencies {
  world: World
  analyst: Analyst
  meanings: Meanings
  readIgnored(context: Context): Promise<IgnoredByGit>
}

/** Of the time that there is, for what comes after the files are read. */
const ANSWER_MS = 2_000
/** With less time, the answer waits for no place that the model has not read. */
const READING_MS_MIN = 5_000

export function searchCode({ world, analyst, meanings, readIgnored }: Dependencies): Handler<typeof contract> {
  return async ({ workspace: name, path, words, limit, lines }, { deadline, signal }) => {
    const workspace = namedFolder(world, name, path)
    const looking = observingContext(Action.parse({ kind: 'git.log', input: {} }), world, { signal })
    const { paths: ignored } = await readIgnored({ ...looking, workspace })
    const budgetMs = Math.max(0, deadline - performance.now() - ANSWER_MS)
    const search = { workspace, ignored, words, limit, lines }
    const [byWords, vector] = await Promise.all([
      analyst.find({ ...search, budgetMs }, signal),
      meanings.ofWords(words, (deadline - performance.now()) / 4, signal),
    ])
    const { vectors: _, ...lexical } = byWords
    if ('why' in vector) return { ...lexical, ranked_by: 'lexical', meaning: { model: null, why: vector.why } }
    if (deadline - performance.now() > READING_MS_MIN) await meanings.read(workspace, vector.model, signal)
    const { vectors, ...found } = await analyst.find({ ...search, vector, budgetMs: 0 }, signal)
    const meaning = { model: vector.model, ...(vectors ?? { places: 0, of: 0 }) }
    return { ...found, index: byWords.index, ranked_by: meaning.places > 0 ? 'both' : 'lexical', meaning }
  }
}

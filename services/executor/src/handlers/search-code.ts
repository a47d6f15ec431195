/** Places of a workspace by words, from what is known of its files, brought up to date. */
import type { Handler } from '@deed/mesh/bus'
import { Action } from '@deed/proto/action'
import type { searchCode as contract } from '@deed/proto/code'
import type { Analyst } from '../analysis/analyst.ts'
import type { IgnoredByGit } from '../analysis/ignored-by-git.ts'
import { namedFolder } from '../analysis/named-folder.ts'
import type { Context, World } from '../kind/kind.ts'
import { observingContext } from './inspect-action.ts'

interface Dependencies {
  world: World
  analyst: Analyst
  readIgnored(context: Context): Promise<IgnoredByGit>
}

/** Of the time that there is, for what comes after the files are read. */
const ANSWER_MS = 2_000

export function searchCode({ world, analyst, readIgnored }: Dependencies): Handler<typeof contract> {
  return async ({ workspace: name, path, words, limit, lines }, { deadline, signal }) => {
    const workspace = namedFolder(world, name, path)
    const looking = observingContext(Action.parse({ kind: 'git.log', input: {} }), world, { signal })
    const { paths: ignored } = await readIgnored({ ...looking, workspace })
    const budgetMs = Math.max(0, deadline - performance.now() - ANSWER_MS)
    return {
      ranked_by: 'lexical',
      ...(await analyst.find({ workspace, ignored, budgetMs, words, limit, lines }, signal)),
    }
  }
}

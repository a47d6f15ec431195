/** Facts of a folder of a workspace: what is known of its files, brought up to date. */
import type { Handler } from '@deed/mesh/bus'
import { Action } from '@deed/proto/action'
import type { analyzeCodebase as contract } from '@deed/proto/code'
import type { Analyst } from '../analysis/analyst.ts'
import { namedFolder } from '../analysis/named-folder.ts'
import type { History } from '../analysis/read-history.ts'
import type { Context, World } from '../kind/kind.ts'
import { observingContext } from './inspect-action.ts'

interface Dependencies {
  world: World
  analyst: Analyst
  readHistory(context: Context): Promise<History>
}

/** Of the time that there is, for what comes after the files are read: the answer, and its way. */
const ANSWER_MS = 2_000

export function analyzeCodebase({ world, analyst, readHistory }: Dependencies): Handler<typeof contract> {
  return async ({ workspace: name, path, limit }, { deadline, signal }) => {
    const workspace = namedFolder(world, name, path)
    const looking = observingContext(Action.parse({ kind: 'git.log', input: {} }), world, { signal })
    const history = await readHistory({ ...looking, workspace })
    const budgetMs = Math.max(0, deadline - performance.now() - ANSWER_MS)
    return await analyst.summarize({ workspace, budgetMs, history, limit }, signal)
  }
}

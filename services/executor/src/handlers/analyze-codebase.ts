/** Facts of a folder of a workspace: what is known of its files, brought up to date. */
import type { Handler } from '@deed/mesh/bus'
import { Action } from '@deed/proto/action'
import type { analyzeCodebase as contract } from '@deed/proto/code'
import type { Analyst } from '../analysis/analyst.ts'
import type { IgnoredByGit } from '../analysis/ignored-by-git.ts'
import { namedFolder } from '../analysis/named-folder.ts'
import type { History } from '../analysis/read-history.ts'
import type { Context, World } from '../kind/kind.ts'
import { observingContext } from './inspect-action.ts'

interface Dependencies {
  world: World
  analyst: Analyst
  readHistory(context: Context): Promise<History>
  readIgnored(context: Context): Promise<IgnoredByGit>
}

/** Of the time that there is, for what comes after the files are read: the answer, and its way. */
const ANSWER_MS = 2_000
const REASONS_MAX = 20

export function analyzeCodebase({ world, analyst, readHistory, readIgnored }: Dependencies): Handler<typeof contract> {
  return async ({ workspace: name, path, limit }, { deadline, signal }) => {
    const workspace = namedFolder(world, name, path)
    const looking = observingContext(Action.parse({ kind: 'git.log', input: {} }), world, { signal })
    const context = { ...looking, workspace }
    const [history, { paths: ignored, why }] = await Promise.all([readHistory(context), readIgnored(context)])
    const budgetMs = Math.max(0, deadline - performance.now() - ANSWER_MS)
    const found = await analyst.summarize({ workspace, ignored, budgetMs, history, limit }, signal)
    if (why === undefined) return found
    const unfollowed = { why: `.gitignore is not followed: ${why}`, files: 0, examples: [] }
    return { ...found, left_out: [unfollowed, ...found.left_out].slice(0, REASONS_MAX) }
  }
}

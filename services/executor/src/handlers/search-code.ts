/** Places of a workspace by words, from what is known of its files, brought up to date. */
import type { Handler } from '@deed/mesh/bus'
import type { searchCode as contract } from '@deed/proto/code'
import type { Analyst } from '../analysis/analyst.ts'
import { namedFolder } from '../analysis/named-folder.ts'
import type { World } from '../kind/kind.ts'

interface Dependencies {
  world: World
  analyst: Analyst
}

/** Of the time that there is, for what comes after the files are read. */
const ANSWER_MS = 2_000

export function searchCode({ world, analyst }: Dependencies): Handler<typeof contract> {
  return async ({ workspace: name, path, words, limit, lines }, { deadline, signal }) => {
    const workspace = namedFolder(world, name, path)
    const budgetMs = Math.max(0, deadline - performance.now() - ANSWER_MS)
    return { ranked_by: 'lexical', ...(await analyst.find({ workspace, budgetMs, words, limit, lines }, signal)) }
  }
}

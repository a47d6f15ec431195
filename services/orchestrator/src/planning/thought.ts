/** What thinking comes to: an answer that is known, or actions for each task. */
import type { CacheEntry } from '@deed/proto/cache'
import type { Method } from '@deed/proto/states'
import type { Work } from '../reconcile/input.ts'
import type { SolvedNode } from './solve-node.ts'

export type Thought =
  | { type: 'answer'; entry: CacheEntry }
  | {
      type: 'solved'
      nodes: SolvedNode[]
      method: Method | null
      estimatedMs: number
      degraded: string[]
      /** Agreement is asked for as if nothing were so already: what is agreed to is to be done whenever it is not. */
      standing?: boolean
      /** What was agreed to before is put into the plan. */
      agree?: (work: Work) => void
    }

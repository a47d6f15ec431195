/** The result of thinking: a known answer, or actions for each task. */
import type { CacheEntry } from '@deed/proto/cache'
import type { Method } from '@deed/proto/states'
import type { Work } from '../execution/snapshot.ts'
import type { SolvedNode } from './solve-node.ts'

export type Thought =
  | { type: 'answer'; entry: CacheEntry }
  | {
      type: 'solved'
      nodes: SolvedNode[]
      method: Method | null
      estimatedMs: number
      degraded: string[]
      /**
       * The approval ignores that an action's postcondition already holds: it covers every later time when it does not.
       */
      permanent?: boolean
      /** Adds an earlier approval to the plan. */
      agree?: (work: Work) => void
    }

/** What is not brought back by a second statement. */
import { counted } from '@deed/config/counted'
import { COUNTED_MAX } from './affected-rows.ts'

/** One thing that is not brought back. */
export interface Loss {
  /** Of what it is; without figures, since those move. */
  readonly of: string
  /** What is done, as a verb with its object: `deletes 50 rows of ord`. */
  readonly text: string
  /** No data is lost: numbers are left out. It is named in the plan, and the change counts as undone all the same. */
  readonly small?: true
}

export const countOf = (count: number | undefined, what: string): string => {
  if (count === undefined) return `rows of ${what} (not counted)`
  if (count > COUNTED_MAX) return `more than ${COUNTED_MAX} rows of ${what}`
  return `${counted(count, 'row')} of ${what}`
}

export type Event = 'insert' | 'update' | 'delete' | 'truncate'

/** The migrations of the schema `executor`, in their order. */
import * as actions from './migrations/001-actions.ts'
import * as actionsByTime from './migrations/002-actions-by-time.ts'
import * as lookedAt from './migrations/003-looked-at.ts'
import * as roomForOutcomes from './migrations/004-room-for-outcomes.ts'
import * as unconfirmedReads from './migrations/030-unconfirmed-reads.ts'

export const migrations = {
  '001-actions': actions,
  '002-actions-by-time': actionsByTime,
  '003-looked-at': lookedAt,
  '004-room-for-outcomes': roomForOutcomes,
  '030-unconfirmed-reads': unconfirmedReads,
}

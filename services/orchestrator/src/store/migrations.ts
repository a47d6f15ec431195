/**
 * The migrations of the schema `orchestrator`, in their order.
 *
 * The first makes the tables; before a release it may be changed in place. What was released stays: a change is one more
 * file and one more line here, with the next number.
 */
import type { Migration } from 'kysely/migration'
import * as schema from './migrations/001-schema.ts'
import * as raisedBudget from './migrations/002-raised-budget.ts'
import * as heldCounts from './migrations/003-held-counts.ts'

export const migrations: Record<string, Migration> = {
  '001-schema': schema,
  '002-raised-budget': raisedBudget,
  '003-held-counts': heldCounts,
}

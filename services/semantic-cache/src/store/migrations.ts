/**
 * The migrations of the schema `semantic_cache`, in their order.
 *
 * The first makes the tables; before a release it may be changed in place. What was released stays: a change is one more
 * file and one more line here, with the next number.
 */
import type { Migration } from 'kysely/migration'
import * as schema from './migrations/001-schema.ts'
import * as closings from './migrations/002-closings.ts'
import * as vectors from './migrations/003-vectors.ts'

export const migrations: Record<string, Migration> = {
  '001-schema': schema,
  '002-closings': closings,
  '003-vectors': vectors,
}

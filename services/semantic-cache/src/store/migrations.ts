/** The migrations of the schema `semantic_cache`, in order. Once merged, one stands. */
import type { Migration } from 'kysely/migration'
import * as entries from './migrations/001-entries.ts'

export const migrations: Record<string, Migration> = { '001-entries': entries }

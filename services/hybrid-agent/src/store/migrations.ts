/** The migrations of the schema `hybrid_agent`, in order. Once merged, one stands. */
import type { Migration } from 'kysely/migration'
import * as modelCalls from './migrations/001-model-calls.ts'
import * as budgets from './migrations/002-budgets.ts'

export const migrations: Record<string, Migration> = { '001-model-calls': modelCalls, '002-budgets': budgets }

/** The migrations of the schema `orchestrator`, in order. Once merged, one stands. */
import type { Migration } from 'kysely/migration'
import * as executions from './migrations/001-executions.ts'
import * as operations from './migrations/005-operations.ts'

export const migrations: Record<string, Migration> = {
  '001-executions': executions,
  '005-operations': operations,
}

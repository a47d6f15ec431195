/** The migrations in their order; one that was released stands. */
import * as templates from './migrations/001-templates.ts'

export const migrations = { '001-templates': templates }

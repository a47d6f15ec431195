/** The migrations in their order; one that was released stands. */
import * as templates from './migrations/001-templates.ts'
import * as templateFile from './migrations/002-template-file.ts'
import * as outcomesByAge from './migrations/003-outcomes-by-age.ts'

export const migrations = {
  '001-templates': templates,
  '002-template-file': templateFile,
  '003-outcomes-by-age': outcomesByAge,
}

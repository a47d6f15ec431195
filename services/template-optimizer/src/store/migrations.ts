/** The migrations in their order; one that was released stands. */
import * as templates from './migrations/001-templates.ts'
import * as templateFile from './migrations/002-template-file.ts'

export const migrations = { '001-templates': templates, '002-template-file': templateFile }

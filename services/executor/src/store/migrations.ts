/** The migrations of the schema `executor`, in their order. */
import * as actions from './migrations/001-actions.ts'

export const migrations = { '001-actions': actions }

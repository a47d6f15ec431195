/** The mark of a database that is being restored, which every service looks for before it uses its tables. */

/** There while a restore is under way, or was killed. Who restores has made it, and removes it with its last commit. */
export const RESTORE_SCHEMA = 'deed_restore'

/** One row, `restore`: from what, and since when; null where none is under way. Everybody may ask. */
export const ASK_RESTORE = `select obj_description(to_regnamespace('${RESTORE_SCHEMA}'), 'pg_namespace') as restore`

export const restoreAdvice = (restore: string): string =>
  `the database holds a part of a backup: the restore ${restore} has not ended; run deed restore again, from the beginning`

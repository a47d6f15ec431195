/**
 * Tables that a later release has changed. An earlier release works on with them, so that the two may run together; but
 * what it reads may be taken away once it runs nowhere any more, and the migration that does so is named for that:
 * `014-drop-notes-needs-012` is for releases that have the migration 012 or a later one.
 */

const NEEDS = /-needs-(\d{3})$/

/** Whether a migration of the tables asks for more than any release has. */
export const needsMore = (applied: readonly string[]): boolean => applied.some((name) => NEEDS.test(name))

/**
 * @param applied migrations that have made the tables of a schema
 * @param known those of this release
 * @returns why this release cannot work with the tables, and what to do; undefined where it can
 */
export function laterSchemaFault(
  schema: string,
  applied: readonly string[],
  known: readonly string[],
): string | undefined {
  const newest = Math.max(...known.map((name) => Number.parseInt(name, 10)))
  const beyond = applied.find((name) => !known.includes(name) && Number(NEEDS.exec(name)?.[1] ?? 0) > newest)
  return beyond === undefined
    ? undefined
    : `the tables of ${schema} are of a later release, which this one cannot work with (migration ${beyond}); start that release or a newer one, or put back a backup of this one with deed restore`
}

/** The columns of a statement, each written once with its type: its lists are made of them. */

/** `task_id uuid, name text` -> the type of each column by its name. */
export type Columns = Readonly<Record<string, string>>

export const columns = (text: string): Columns =>
  Object.fromEntries(
    text
      .trim()
      .split(/\s*,\s*/)
      .map((column) => column.split(' ') as [string, string]),
  )

/** `task_id uuid, name text`, as `jsonb_to_recordset` wants them. */
export const typed = (...all: readonly Columns[]): string =>
  Object.entries(Object.assign({}, ...all) as Columns)
    .map(([name, type]) => `${name} ${type}`)
    .join(', ')

/** `t.task_id, t.name`. */
export const names = (all: Columns, from?: string): string =>
  Object.keys(all)
    .map((name) => (from === undefined ? name : `${from}.${name}`))
    .join(', ')

/** `task_id = t.task_id, name = t.name`. */
export const sets = (all: Columns, from: string): string =>
  Object.keys(all)
    .map((name) => `${name} = ${from}.${name}`)
    .join(', ')

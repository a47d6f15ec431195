/** Rows of other tables that foreign keys delete, or set to something else, with the rows that they refer to. */
import type { ClientBase } from 'pg'
import { countRows, type Query } from './affected-rows.ts'
import { countOf, type Event, type Loss } from './loss.ts'
import { type Relation, relationIn } from './relation.ts'
import { runsConcurrently } from './runs-concurrently.ts'

interface Key {
  readonly name: string
  readonly schema: string
  readonly table: string
  /** In pairs: each column refers to the one in the same place. */
  readonly columns: readonly string[]
  readonly refers_to: readonly string[]
  /** As in `pg_constraint`: a no action, r restrict, c cascade, n set null, d set default. */
  readonly on_delete: string
  readonly on_update: string
}

/** Tables that are looked into; what is behind more of them is said to be there, and not counted. */
const TABLES_MAX = 32

interface Step {
  readonly relation: Relation
  readonly event: Event
  readonly columns: readonly string[] | undefined
  /** Absent: which rows it is cannot be said. */
  readonly rows: Query | undefined
}

/** In whole chains: rows that are deleted so may have rows below them. */
export async function foreseeKeys(
  client: ClientBase,
  relation: Relation,
  event: Event,
  { columns, rows }: Pick<Step, 'columns' | 'rows'>,
): Promise<Loss[]> {
  const losses: Loss[] = []
  const met = new Set<string>()
  const open: Step[] = [{ relation, event, columns, rows }]
  for (let step = open.shift(); step; step = open.shift()) {
    const keys = await client.query<Key>(KEYS, [step.relation.oid])
    for (const key of keys.rows) {
      const action = actionOf(key, step)
      const child = action && (await relationIn(client, { schema: key.schema, name: key.table }))
      if (!action || !child || met.has(`${key.name} ${child.oid} ${action}`)) continue
      met.add(`${key.name} ${child.oid} ${action}`)
      if (met.size > TABLES_MAX) {
        losses.push({ of: 'further tables', text: 'changes rows of further tables (not counted)' })
        return losses
      }
      const below = step.rows && rowsBelow(key, child, step.rows)
      const count = below && (await countRows(client, below))
      if (count === 0) continue
      const itself = child.oid === step.relation.oid ? ', and those below them' : ''
      const { of, text } = lossOf(action, key, child, count)
      losses.push({ of, text: `${text}${itself} (foreign key ${key.name})` })
      const next = { relation: child, event: action === 'delete' ? 'delete' : 'update', columns: key.columns } as const
      losses.push(
        ...(await runsConcurrently(client, child, next.event, {
          columns: next.event === 'update' ? next.columns : undefined,
          rows: count,
        })),
      )
      open.push({ ...next, rows: below })
    }
  }
  return losses
}

type Action = 'delete' | 'change' | 'set null' | 'set default'

function actionOf({ on_delete, on_update, refers_to }: Key, { event, columns }: Step): Action | undefined {
  if (event === 'truncate') return 'delete'
  if (event === 'delete') return ({ c: 'delete', n: 'set null', d: 'set default' } as const)[on_delete]
  if (columns && !columns.some((column) => refers_to.includes(column))) return undefined
  return ({ c: 'change', n: 'set null', d: 'set default' } as const)[on_update]
}

function lossOf(action: Action, { columns }: Key, { shown }: Relation, count: number | undefined): Loss {
  const rows = countOf(count, shown)
  const of = `${action} ${shown}`
  if (action === 'delete') return { of, text: `deletes ${rows}` }
  const names = columns.join(', ')
  if (action === 'change') return { of, text: `changes ${names} of ${rows}` }
  return { of, text: `sets ${names} to ${action === 'set null' ? 'null' : 'its default'} in ${rows}` }
}

function rowsBelow({ columns, refers_to }: Key, { quoted }: Relation, { text, params }: Query): Query {
  const listOf = (table: string, names: readonly string[]) =>
    names.map((name) => `${table}.${identifier(name)}`).join(', ')
  return {
    text: `SELECT below.* FROM ${quoted} AS below WHERE (${listOf('below', columns)}) IN (
      SELECT ${listOf('above', refers_to)} FROM (${text}) AS above)`,
    params,
  }
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Keys that refer to the table, or to what is above it or below it; of those that partitions have, the table's own alone. */
const KEYS = `
with recursive tree as (
  select $1::oid as oid union select i.inhrelid from pg_catalog.pg_inherits i join tree on i.inhparent = tree.oid
), keys as (
  select k.* from tree join pg_catalog.pg_constraint k on k.confrelid = tree.oid where k.contype = 'f'
)
select k.conname as name, n.nspname as schema, c.relname as table, k.confdeltype::text as on_delete,
    k.confupdtype::text as on_update, names.columns, names.refers_to
  from keys k join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace,
  lateral (
    select pg_catalog.jsonb_agg(own.attname order by pair.place) as columns,
        pg_catalog.jsonb_agg(other.attname order by pair.place) as refers_to
      from rows from (unnest(k.conkey), unnest(k.confkey)) with ordinality as pair(own, other, place)
      join pg_catalog.pg_attribute own on own.attrelid = k.conrelid and own.attnum = pair.own
      join pg_catalog.pg_attribute other on other.attrelid = k.confrelid and other.attnum = pair.other) names
 where not exists (select from keys p where p.oid = k.conparentid)
 order by k.conname`

/** Triggers and rules that run with a statement. */
import type { ClientBase } from 'pg'
import type { Event, Loss } from './loss.ts'
import type { Relation } from './relation.ts'

interface Concurrent {
  readonly kind: 'trigger' | 'rule'
  readonly name: string
  readonly shown: string
}

/**
 * Triggers and rules.
 *
 * @param rows how many the statement changes; `undefined`: not known
 */
export async function runsConcurrently(
  client: ClientBase,
  { oid }: Relation,
  event: Event,
  { columns, rows }: { columns: readonly string[] | undefined; rows: number | undefined },
): Promise<Loss[]> {
  const found = await client.query<Concurrent>(CONCURRENT, [
    oid,
    TRIGGER_BITS[event],
    RULE_EVENTS[event],
    columns ?? null,
    rows === 0,
  ])
  return found.rows.map(({ kind, name, shown }) => ({
    of: `${kind} ${name} of ${shown}`,
    text: `runs the ${kind} ${name} of ${shown}`,
  }))
}

/** As PostgreSQL keeps them: bits of `tgtype`, values of `ev_type`. */
const TRIGGER_BITS: Readonly<Record<Event, number>> = { insert: 4, delete: 8, update: 16, truncate: 32 }
const RULE_EVENTS: Readonly<Record<Event, string>> = { update: '2', insert: '3', delete: '4', truncate: '' }

const CONCURRENT = `
with recursive tree as (
  select $1::oid as oid union select i.inhrelid from pg_catalog.pg_inherits i join tree on i.inhparent = tree.oid
)
select 'trigger' as kind, t.tgname as name, t.tgrelid::regclass::text as shown
  from tree join pg_catalog.pg_trigger t on t.tgrelid = tree.oid
 where not t.tgisinternal and t.tgenabled in ('O', 'A') and t.tgtype & $2 <> 0
   -- One for each row does not run where there are none.
   and not ($5 and t.tgtype & 1 <> 0)
   and ($4::text[] is null or pg_catalog.cardinality(t.tgattr::int2[]) = 0 or exists (
     select from pg_catalog.pg_attribute a
      where a.attrelid = t.tgrelid and a.attnum = any(t.tgattr::int2[]) and a.attname = any($4)))
   -- Of a partition: what it has from its table.
   and not exists (select from pg_catalog.pg_trigger p join tree on tree.oid = p.tgrelid where p.oid = t.tgparentid)
union all
select 'rule', r.rulename, r.ev_class::regclass::text from pg_catalog.pg_rewrite r
 where r.ev_class = $1 and r.ev_type::text = $3 and r.rulename <> '_RETURN' and r.ev_enabled in ('O', 'A')`

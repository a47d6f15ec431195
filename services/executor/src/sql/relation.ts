/** A table or view as the catalogue has it. */
import type { ClientBase } from 'pg'
import type { Named } from './parse-sql.ts'

export interface Relation {
  readonly oid: number
  readonly name: string
  /** With its schema where the search path would not find it. */
  readonly shown: string
  /** For a statement, whatever the search path is. */
  readonly quoted: string
  /** As in `pg_class`: r a table, p a partitioned one, v a view, m a materialized one, S a sequence, i an index. */
  readonly kind: string
  readonly columns: readonly string[]
  /** Columns that a sequence fills where nobody gives them a value. */
  readonly counted: readonly { readonly column: string }[]
  /** Whether the session's role may change its definition. */
  readonly owned: boolean
  /** Whether the session's role may truncate it. */
  readonly truncatable: boolean
}

/** @returns `undefined` where no relation has the name */
export async function relationIn(client: ClientBase, { schema, name }: Named): Promise<Relation | undefined> {
  const { rows } = await client.query<Relation>(FIND, [schema ?? null, name])
  return rows[0]
}

const FIND = `
select c.oid, c.relname as name, c.oid::regclass::text as shown, pg_catalog.format('%I.%I', n.nspname, c.relname) as quoted,
    c.relkind::text as kind, pg_catalog.pg_has_role(c.relowner, 'USAGE') as owned,
    c.relkind in ('r', 'p', 'f') and pg_catalog.has_table_privilege(c.oid, 'TRUNCATE') as truncatable,
    (select coalesce(pg_catalog.jsonb_agg(a.attname order by a.attnum), '[]') from pg_catalog.pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    (select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('column', a.attname) order by a.attnum), '[]')
       from pg_catalog.pg_attribute a
       left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum and a.attgenerated = ''
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and (a.attidentity <> '' or pg_catalog.pg_get_expr(d.adbin, d.adrelid) like '%nextval(%')) as counted
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relname = $2 and coalesce(n.nspname = $1::text, pg_catalog.pg_table_is_visible(c.oid))`

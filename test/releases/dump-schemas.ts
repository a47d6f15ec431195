/**
 * The schemas of the services with their rows, as SQL that any PostgreSQL takes: what an earlier release left behind.
 * Without the templates that are shipped, which their service stores again.
 */
import { STORING, schemaOf } from '@deed/local/roles'
import type { Client } from 'pg'

const NO_EXTENSION = (catalog: string, oid: string): string =>
  `not exists (select from pg_depend d where d.classid = '${catalog}'::regclass and d.objid = ${oid} and d.deptype = 'e')`

/** Statements of one schema, in order: `$1` is its name. */
const PARTS: readonly string[] = [
  `select pg_get_functiondef(p.oid) as sql from pg_proc p where p.pronamespace = $1::regnamespace
     and ${NO_EXTENSION('pg_proc', 'p.oid')} order by p.proname`,
  `select format('create %s table %s (%s)%s', case c.relpersistence when 'u' then 'unlogged' else '' end, c.oid::regclass,
      string_agg(format('%I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
        case when a.attidentity <> '' then ' generated always as identity'
             when a.attgenerated = 's' then format(' generated always as (%s) stored', pg_get_expr(d.adbin, d.adrelid))
             when d.adbin is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid) else '' end,
        case when a.attnotnull then ' not null' else '' end), ', ' order by a.attnum),
      ' with (' || array_to_string(c.reloptions, ', ') || ')') as sql
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = $1::regnamespace and c.relkind = 'r' group by c.oid order by c.oid`,
  `select format('alter table %s add constraint %I %s', n.conrelid::regclass, n.conname, pg_get_constraintdef(n.oid)) as sql
     from pg_constraint n where n.connamespace = $1::regnamespace and n.contype in ('p', 'u', 'c') order by n.oid`,
  `select pg_get_indexdef(i.indexrelid) as sql from pg_index i join pg_class c on c.oid = i.indrelid
    where c.relnamespace = $1::regnamespace and not exists (select from pg_constraint n where n.conindid = i.indexrelid)
    order by i.indexrelid`,
]
const TRIGGERS = `select pg_get_triggerdef(t.oid) as sql from pg_trigger t join pg_class c on c.oid = t.tgrelid
  where c.relnamespace = $1::regnamespace and not t.tgisinternal order by t.oid`
const VIEWS = `select format('create view %s as %s', c.oid::regclass, pg_get_viewdef(c.oid)) as sql from pg_class c
  where c.relnamespace = $1::regnamespace and c.relkind = 'v' order by c.oid`
const RIGHTS = `select format('revoke all on %s from %I', c.oid::regclass, r.rolname)
     || coalesce('; ' || string_agg(format('grant %s on %s to %I', g.privilege_type, c.oid::regclass, r.rolname), '; ' order by g.privilege_type) filter (where g.grantee is not null), '') as sql
  from pg_class c cross join pg_roles r left join lateral aclexplode(c.relacl) g on g.grantee = r.oid
  where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'v') and r.rolname ~ '^deed_' and r.rolname !~ '_owner$'
  group by c.oid, r.rolname order by c.oid, r.rolname`
const TABLES = `select c.oid::regclass::text as table, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
  where c.relnamespace = $1::regnamespace and c.relkind = 'r' and c.relpersistence = 'p'
    and c.oid::regclass::text <> 'template_optimizer.templates' group by c.oid order by c.oid`
const SEQUENCES = `select format('select setval(%L, %s)', s.schemaname || '.' || s.sequencename, s.last_value) as sql
  from pg_sequences s where s.schemaname = $1 and s.last_value is not null`

/** In the roles of `createRoles`, whose schemas are empty; @returns one statement or more a line */
export async function dumpSchemas(client: Client): Promise<string> {
  const lines: string[] = ['set check_function_bodies = off']
  const all = async (query: string, schema: string): Promise<void> => {
    const { rows } = await client.query<{ sql: string }>(query, [schema])
    lines.push(...rows.map(({ sql }) => sql.trim().replace(/;$/, '')))
  }
  await client.query('set search_path = pg_catalog')
  const schemas = STORING.map(schemaOf)
  const asOwner = (schema: string) =>
    lines.push('reset role', `set role deed_${schema}_owner`, `set search_path = ${schema}`)
  for (const schema of schemas) {
    asOwner(schema)
    for (const part of PARTS) await all(part, schema)
    const { rows: tables } = await client.query<{ table: string; columns: string }>(TABLES, [schema])
    for (const { table, columns } of tables) {
      const { rows } = await client.query<{ row: object }>(`select to_jsonb(t) as row from ${table} t`)
      for (const { row } of rows)
        lines.push(
          `insert into ${table} (${columns}) overriding system value select ${columns} from jsonb_populate_record(null::${table}, ${client.escapeLiteral(JSON.stringify(row))})`,
        )
    }
    await all(SEQUENCES, schema)
    await all(TRIGGERS, schema)
  }
  for (const schema of schemas) {
    asOwner(schema)
    await all(VIEWS, schema)
    await all(RIGHTS, schema)
  }
  return `${[...lines, 'reset role'].join(';\n')};\n`
}

/**
 * What the functions, operators and views that a statement names may do, by the database's own catalogue: one that is
 * declared VOLATILE may change something, unless it is known not to.
 */
import { DeedError, type ErrorCode } from '@deed/proto/errors'
import type { ClientBase } from 'pg'
import { type Call, type Named, parseStatement, type Statement } from './parse-sql.ts'

/** Volatile functions of PostgreSQL and of its usual extensions that only tell something, or take time. */
const HARMLESS = whole(
  'pg_get_\\w+',
  'pg_stat_get_\\w+|pg_stat_have_stats|pg_stat_clear_snapshot',
  'pg_stat_statements|pg_stat_statements_info|pg_buffercache\\w*|pgstat\\w+|pg_freespace',
  'pg_control_\\w+|pg_\\w+_size|pg_is_\\w+|pg_last_\\w+|pg_current_(?:wal|xact)\\w+',
  'pg_\\w*collation_actual_version|pg_\\w*blocking_pids|pg_\\w*session_is_blocked|pg_jit_available|pg_lock_status',
  'pg_notification_queue_usage|pg_partition_\\w+|pg_prepared_xact|pg_sequence_last_value',
  'pg_show_replication_origin_status|pg_available_wal_summaries|pg_xact_\\w+|txid_\\w+',
  // Ended by the time that a statement may take.
  'pg_sleep\\w*',
  'random\\w*|setseed|normal_rand|array_(?:sample|shuffle)|clock_timestamp|timeofday|current_query',
  'currval|lastval|currtid2|gen_random_uuid|uuidv\\d|uuid_generate_v\\d\\w*|gen_random_bytes|gen_salt',
  'amvalidate|plpgsql_validator',
)

/** Functions of PostgreSQL and of extensions that reach outside the tables, whatever they are declared as. */
const REACHING = whole(
  'pg_read_\\w+|pg_ls_\\w+|pg_stat_file|pg_file_\\w+',
  'lo_\\w+|loread|lowrite|be_lo_\\w+',
  'dblink\\w*|postgres_fdw_\\w+',
  'pg_terminate_backend|pg_cancel_backend|pg_signal_\\w+',
  'pg_reload_conf|pg_rotate_logfile\\w*|pg_promote|pg_switch_wal|pg_backup_\\w+',
  'pg_(?:try_)?advisory_\\w+|pg_notify',
  'pg_logical_\\w+|pg_create_\\w+|pg_drop_\\w+|pg_replication_\\w+|pg_copy_\\w+|pg_sync_\\w+',
  'pg_stat_reset\\w*|pg_stat_force_next_flush|pg_log_\\w+|pg_wal_replay_\\w+|pg_export_snapshot|pg_import_\\w+',
  'pg_clear_\\w+|pg_restore_\\w+|pg_nextoid|pg_stop_making_pinned_objects|binary_upgrade_\\w+|pg_extension_config_dump',
  'brin_\\w*summarize\\w*|gin_clean_pending_list',
  'pg_hba_file_rules|pg_ident_file_mappings|pg_show_all_file_settings|pg_current_logfile|pg_wal_summary_contents',
  'set_config',
  // They run a text as a query.
  'ts_stat|ts_rewrite|crosstab\\w*|connectby|xpath_table',
  'query_to_xml\\w*|cursor_to_xml\\w*|database_to_xml\\w*|schema_to_xml\\w*|table_to_xml\\w*',
)

/** Views that show files of the server. */
const FILE_VIEWS: ReadonlySet<string> = new Set(['pg_hba_file_rules', 'pg_ident_file_mappings', 'pg_file_settings'])

/** They change a sequence, and no rollback takes that back. */
const COUNTING: ReadonlySet<string> = new Set(['nextval', 'setval'])

function whole(...patterns: string[]): RegExp {
  return new RegExp(`^(?:${patterns.join('|')})$`)
}

export interface Judged {
  /** Functions of the database's own that may change something, and `setval`. */
  readonly changing: readonly string[]
  /** It calls `nextval`. */
  readonly advances: boolean
}

interface Found {
  readonly kind: 'function' | 'operator' | 'view'
  /** As the statement says it. */
  readonly said: string
  readonly name: string
  /** Of PostgreSQL itself or of an extension. */
  readonly shipped: boolean
  readonly volatility: 'i' | 's' | 'v' | null
  readonly definition: string | null
}

const VIEWS_DEEP_MAX = 8

/**
 * @throws {DeedError} `code` for a function that reaches outside the tables; where `reads`, for one that may change
 *   something, too
 */
export async function judgeCalls(
  client: ClientBase,
  statement: Pick<Statement, 'calls' | 'operators' | 'relations'>,
  { code, reads, path }: { code: ErrorCode; reads: boolean; path?: string | undefined },
): Promise<Judged> {
  const changing = new Set<string>()
  const seen = new Set<string>()
  let advances = false
  let level: Pick<Statement, 'calls' | 'operators' | 'relations'>[] = [statement]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > VIEWS_DEEP_MAX)
      throw new DeedError(
        code,
        `views that lie ${VIEWS_DEEP_MAX} deep in one another are not looked into; query a table`,
        { path },
      )
    const found = await findIn(client, level)
    level = []
    for (const one of found) {
      const { kind, said, name, shipped, volatility, definition } = one
      if (kind === 'view') {
        if (shipped && FILE_VIEWS.has(name)) throw reaches(code, said, path)
        if (definition === null || shipped || seen.has(said)) continue
        seen.add(said)
        level.push(await parseStatement(definition, code, path))
        continue
      }
      if (shipped && REACHING.test(name)) throw reaches(code, said, path)
      if (volatility !== 'v' || (shipped && HARMLESS.test(name))) continue
      if (reads)
        throw new DeedError(
          code,
          shipped
            ? `${said} may change something, and a query only reads; leave it out, or use sql.execute`
            : `${said} is declared VOLATILE, so it may change something, and a query only reads; if it does not, say so with ALTER FUNCTION ... STABLE`,
          { path },
        )
      if (shipped && !COUNTING.has(name)) throw reaches(code, said, path)
      if (shipped && name === 'nextval') advances = true
      else changing.add(said)
    }
  }
  return { changing: [...changing], advances }
}

const reaches = (code: ErrorCode, said: string, path: string | undefined): DeedError =>
  new DeedError(code, `${said} is not allowed: it reaches outside the tables of the database; leave it out`, { path })

/** In one look at the catalogue. Names without a schema are those that the search path finds. */
async function findIn(
  client: ClientBase,
  statements: readonly Pick<Statement, 'calls' | 'operators' | 'relations'>[],
): Promise<Found[]> {
  const all = <T>(pick: (statement: (typeof statements)[number]) => readonly T[]): T[] => statements.flatMap(pick)
  const calls = distinct(all(({ calls }) => calls))
  const operators = distinct(all(({ operators }) => operators))
  const relations = distinct(all(({ relations }) => relations))
  if (calls.length + operators.length + relations.length === 0) return []
  const wanted = JSON.stringify({ calls, operators, relations } satisfies Record<string, (Call | Named)[]>)
  const { rows } = await client.query<Found>({ text: FIND, values: [wanted], queryMode: 'extended' } as never)
  return rows
}

const distinct = <T>(list: readonly T[]): T[] => [...new Map(list.map((item) => [JSON.stringify(item), item])).values()]

const SHIPPED = (table: string, oid: string, namespace: string) => `(
    ${namespace} in ('pg_catalog', 'information_schema') or exists (
      select from pg_catalog.pg_depend d
       where d.classid = 'pg_catalog.${table}'::pg_catalog.regclass and d.objid = ${oid} and d.deptype = 'e'))`

const FIND = `
with wanted as (select $1::pg_catalog.jsonb as x), calls as (
  select * from wanted, pg_catalog.jsonb_to_recordset(x->'calls')
    as c(schema text, name text, args integer, attribute boolean)
), operators as (
  select * from wanted, pg_catalog.jsonb_to_recordset(x->'operators') as o(schema text, name text)
), relations as (
  select * from wanted, pg_catalog.jsonb_to_recordset(x->'relations') as r(schema text, name text)
)
select 'function' as kind, pg_catalog.concat_ws('.', c.schema, c.name) as said, c.name,
    ${SHIPPED('pg_proc', 'p.oid', 'n.nspname')} as shipped, p.provolatile as volatility, null as definition
  from calls c join pg_catalog.pg_proc p on p.proname = c.name
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    left join pg_catalog.pg_type t on t.oid = p.proargtypes[0]
 where coalesce(c.schema = n.nspname, pg_catalog.pg_function_is_visible(p.oid))
   and c.args >= p.pronargs - p.pronargdefaults and (c.args <= p.pronargs or p.provariadic <> 0)
   and (not c.attribute or t.typtype in ('c', 'p'))
union
select 'operator', 'the operator ' || o.name, p.proname, ${SHIPPED('pg_operator', 'op.oid', 'n.nspname')}, p.provolatile, null
  from operators o join pg_catalog.pg_operator op on op.oprname = o.name
    join pg_catalog.pg_namespace n on n.oid = op.oprnamespace join pg_catalog.pg_proc p on p.oid = op.oprcode
 where coalesce(o.schema = n.nspname, pg_catalog.pg_operator_is_visible(op.oid)) and p.provolatile = 'v'
union
select 'view', pg_catalog.concat_ws('.', r.schema, r.name), c.relname, ${SHIPPED('pg_class', 'c.oid', 'n.nspname')}, null,
    pg_catalog.pg_get_viewdef(c.oid)
  from relations r join pg_catalog.pg_class c on c.relname = r.name and c.relkind = 'v'
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where coalesce(r.schema = n.nspname, pg_catalog.pg_table_is_visible(c.oid))`

/** What the alert rules are at, and which alerts are silenced. */
import type { Silence } from '@deed/proto/alert'
import type { Database } from './schema.ts'

/** Of one rule, for one set of labels. Times are in milliseconds since 1970. */
export interface RuleRow {
  rule: string
  labels: Record<string, string>
  /** Earlier values, oldest first; of rules about the growth of a counter. */
  history: [at: number, value: number][]
  /** Since when it has been so. */
  since: number | null
  fired_at: number | null
  /** An alert says that it fires. */
  reported: boolean
  /** Since when it has not been so any more. */
  quiet_since: number | null
  value: number
}

const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8 as ${column}`
const time = (column: string): string => `to_timestamp(${column} / 1000)`

export function readRuleStates(db: Database): Promise<RuleRow[]> {
  return db.query<RuleRow>(
    'orchestrator.rule_states',
    `select rule, labels, history, ${ms('since')}, ${ms('fired_at')}, reported, ${ms('quiet_since')}, value
       from rule_states`,
    [],
  )
}

/** Replaces all states by these. */
export async function writeRuleStates(db: Database, states: readonly RuleRow[]): Promise<void> {
  await db.query(
    'orchestrator.write_rule_states',
    `with x as (
       select * from jsonb_to_recordset($1) as x(rule text, labels jsonb, history jsonb, since float8, fired_at float8,
         reported boolean, quiet_since float8, value float8)
     ), gone as (
       delete from rule_states s where not exists (select from x where x.rule = s.rule and x.labels = s.labels))
     insert into rule_states (rule, labels, history, since, fired_at, reported, quiet_since, value)
     select rule, labels, history, ${time('since')}, ${time('fired_at')}, reported, ${time('quiet_since')}, value from x
     on conflict (rule, labels) do update set history = excluded.history, since = excluded.since,
       fired_at = excluded.fired_at, reported = excluded.reported, quiet_since = excluded.quiet_since, value = excluded.value`,
    [JSON.stringify(states)],
  )
}

/** Those that have not ended, by name. */
export async function readSilences(db: Database): Promise<Silence[]> {
  const rows = await db.query<Omit<Silence, 'until'> & { until: Date }>(
    'orchestrator.silences',
    'select name, until, reason, silenced_by as by from silences where until > now() order by name',
    [],
  )
  return rows.map((row) => ({ ...row, until: row.until.toISOString() }))
}

export async function isSilenced(db: Database, name: string): Promise<boolean> {
  const rows = await db.query('orchestrator.is_silenced', 'select from silences where name = $1 and until > now()', [
    name,
  ])
  return rows.length > 0
}

/** Replaces an earlier silence of that name, and forgets those that have ended. */
export async function putSilence(db: Database, { name, until, reason, by }: Silence): Promise<void> {
  await db.query(
    'orchestrator.silence',
    `with ended as (delete from silences where until <= now() and name <> $1)
     insert into silences (name, until, reason, silenced_by) values ($1, $2, $3, $4)
     on conflict (name) do update set until = excluded.until, reason = excluded.reason,
       silenced_by = excluded.silenced_by`,
    [name, until, reason, by],
  )
}

/** @returns whether there was one */
export async function endSilence(db: Database, name: string): Promise<boolean> {
  const rows = await db.query(
    'orchestrator.unsilence',
    'with gone as (delete from silences where name = $1 returning until) select from gone where until > now()',
    [name],
  )
  return rows.length > 0
}

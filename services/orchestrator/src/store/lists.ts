/**
 * Pages of executions, newest first, in time that does not depend on how many there are: those that have ended are found
 * in `ends`, the others among the open ones, each by the index that fits the filters.
 */
import type { Counted, ExecutionSummary } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { ExecutionStatus, FINAL_EXECUTION_STATUSES, type Method } from '@deed/proto/states'
import type { z } from 'zod'
import { lowestIdAt } from '../execution/execution-id.ts'
import { COUNTED_ROWS, METHODS, NO_METHOD, WORDS } from './ends.ts'
import type { Database } from './schema.ts'

/** How many executions a search reads one by one: enough for what is common, or very recent. */
const READ_MAX = 2_000
/** The same, if it reads the rows of other tables for each. */
const READ_ELSEWHERE_MAX = 500
/** How many of the others the index of words may find before the search continues reading instead. */
const FOUND_MAX = 5_000
/** The index knows groups of three letters or digits. */
const INDEXED = /[\p{L}\p{N}]{3}/u
const WORD = /[\p{L}\p{N}]+/gu
/** A word of a text is rare if at most this part of the executions on so many pages of `ends`, from all over it, have it. */
const SAMPLE_PAGES = 20
const RARE_PART_MAX = 0.005
/** So many words of a text may be looked up by the index. */
const WORDS_MAX = 10
/** Of the message of an error, in a list. */
const ERROR_CHARS_MAX = 500
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

export interface Filter {
  status?: ExecutionStatus | undefined
  method?: Method | undefined
  template?: string | undefined
  /** ISO 8601, inclusive. */
  since?: string | undefined
  /** ISO 8601, exclusive. */
  until?: string | undefined
  /** A substring of the beginning of its task. */
  text?: string | undefined
  only?: Counted | undefined
  user?: string | undefined
  /** What an action of it names. */
  target?: string | undefined
  /** A substring of the code and the message of its error. */
  error?: string | undefined
  limit: number
  /** The page continues after this one. */
  cursor?: ExecutionId | undefined
}

export interface ExecutionPage {
  executions: z.output<typeof ExecutionSummary>[]
  next_cursor: ExecutionId | null
}

/** What the open executions have, or the ended ones, newest first. */
interface Found {
  ids: ExecutionId[]
  /** All down to this one were read, and none older; null: none is older. */
  down_to: ExecutionId | null
  /** Whether there is an index of words. */
  indexed: boolean
}

/** What no index finds, or not with the others: executions are read one by one. */
const isRead = ({ text, user, target, error }: Filter): boolean =>
  [text, user, target, error].some((one) => one !== undefined)

/** With what is read one by one, a page may be shorter than the limit, or empty, although another one follows. */
export async function listExecutions(db: Database, tenant: string, filter: Filter): Promise<ExecutionPage> {
  const { limit, text } = filter
  const [open, ended] = await Promise.all([
    read(db, tenant, notMarked(filter), filter),
    read(db, tenant, ends(filter), filter),
  ])
  let { ids, down_to: downTo } = ended
  const more = open.ids.length + ids.length <= limit
  if (more && downTo !== null && text !== undefined && ended.indexed && INDEXED.test(text)) {
    const older = await search(db, tenant, { ...filter, text, cursor: downTo })
    if (older) {
      ids = [...ids, ...older]
      downTo = null
    }
  }
  const lowest = [open.down_to ?? '', downTo ?? ''].sort().at(-1) as ExecutionId
  const found = [...open.ids, ...ids]
    .filter((id) => id >= lowest)
    .sort()
    .reverse()
  const page = found.slice(0, limit)
  const last = found.length > limit ? page.at(-1) : lowest || undefined
  return { executions: await readSummaries(db, page), next_cursor: last ?? null }
}

const WITHIN = 'execution_id >= $2 and execution_id < $3'
const OTHERS = 'status = any($5) and method = any($6) and ($7::text is null or template_used = $7)'

/** What is read one by one, which `offset 0` keeps the planner from reading at once. @param row with the words of an execution */
const matches = (row: string): string => `($8::text is null or ${row}.words like lower($8))
  and ($10::text is null or ${row}.user_name = $10)
  and ($12::text is null or exists (
    select from executions x where x.execution_id = ${row}.execution_id
       and concat_ws(' ', x.error->>'code', x.error->>'message') ilike $12 offset 0))
  and ($11::text is null or exists (
    select from desired_state d where d.execution_id = ${row}.execution_id and d.spec->'input'->>'target' = $11 offset 0))`

const patternOf = (text: string): string => `%${text.replace(/[\\%_]/g, '\\$&')}%`
const within = (text: string | undefined): string | null => (text === undefined ? null : patternOf(text))

/** What all statements are given, from $1 to $12. */
function valuesOf(tenant: string, filter: Filter): unknown[] {
  const { status, method, template, since, until, text, user, target, error, limit, cursor } = filter
  const bounds = [cursor ?? LAST_ID, until === undefined ? LAST_ID : lowestIdAt(Date.parse(until))].sort()
  return [
    tenant,
    lowestIdAt(since === undefined ? 0 : Date.parse(since)),
    bounds[0],
    isRead(filter) ? ((target ?? error) === undefined ? READ_MAX : READ_ELSEWHERE_MAX) : limit + 1,
    status === undefined ? ExecutionStatus.options : [status],
    method === undefined ? METHODS : [method],
    template ?? null,
    within(text),
    limit + 1,
    user ?? null,
    target ?? null,
    within(error),
  ]
}

/** Selects ids and words of the newest that match all but the text. */
interface Source {
  name: string
  select: string
}

/** An end is marked, or checked again, within seconds: of what is open, what has ended is among what is due by then. */
const DUE_SOON = `next_check_at < now() + interval '15 s'`

/** What is not in `ends`: what has not ended, and what has ended just now. */
function notMarked({ status, method, template, only }: Filter): Source {
  const select = (where: string): string => `select execution_id, user_name, ${WORDS} as words from executions e
    where tenant = $1 and not followed_up and ${where} and status = any($5) and coalesce(method, '${NO_METHOD}') = any($6)
      and ($7::text is null or template_used = $7) and ${only === undefined ? 'true' : COUNTED_ROWS[only].execution}
    order by execution_id desc limit $4`
  if (status !== undefined && FINAL_EXECUTION_STATUSES.has(status))
    return { name: `just_ended${named(only)}`, select: select(`${DUE_SOON} and (${WITHIN}) is true`) }
  if (only !== undefined && only !== 'open')
    return { name: `active${named(only)}`, select: select(`not held and ${WITHIN}`) }
  if (status === undefined && method === undefined && template === undefined)
    return { name: `open${named(only)}`, select: select(WITHIN) }
  return {
    name: `open_by_status${named(only)}`,
    select: `select execution_id, user_name, words from ((${select(`not held and ${WITHIN}`)}) union all (
      select e.execution_id, e.user_name, ${WORDS} from (
        select h.execution_id from unnest($5::text[]) s(status) cross join lateral (
          select execution_id from held_executions
           where tenant = $1 and status = s.status and ${WITHIN} and coalesce(method, '${NO_METHOD}') = any($6)
             and ($7::text is null or template_used = $7)
           order by execution_id desc limit $4) h
         order by h.execution_id desc limit $4) h join executions e using (execution_id))) o
      order by execution_id desc limit $4`,
  }
}

const named = (only: Counted | undefined): string => (only === undefined ? '' : `_${only}`)

function ends({ status, method, template, only }: Filter): Source {
  const counted = only === undefined ? 'true' : COUNTED_ROWS[only].end
  if (status === undefined && method === undefined && template === undefined)
    return {
      name: `ends${named(only)}`,
      select: `select execution_id, user_name, words from ends e
        where tenant = $1 and ${WITHIN} and ${OTHERS} and ${counted} order by execution_id desc limit $4`,
    }
  return {
    name: `${template === undefined ? 'ends_by_status' : 'ends_by_template'}${named(only)}`,
    select: `select e.execution_id, e.user_name, e.words from unnest($5::text[]) s(status) cross join unnest($6::text[]) m(method)
      cross join lateral (
        select execution_id, user_name, words from ends e
         where tenant = $1 and ${counted} and status = s.status and method = m.method and ${WITHIN}
           and ${template === undefined ? '$7::text is null' : 'template_used = $7'}
         order by execution_id desc limit $4) e
      order by e.execution_id desc limit $4`,
  }
}

async function read(db: Database, tenant: string, { name, select }: Source, filter: Filter): Promise<Found> {
  const [row] = await db.query<Found>(
    `orchestrator.list_${name}${isRead(filter) ? '_read' : ''}`,
    `with newest as materialized (${select})
     select array(select execution_id::text from newest n where ${matches('n')} order by execution_id desc limit $9) as ids,
       case when ${isRead(filter)} and (select count(*) from newest) = $4
         then (select execution_id from newest order by execution_id limit 1) end as down_to,
       to_regclass('ends_words') is not null as indexed`,
    valuesOf(tenant, filter),
  )
  if (!row) throw new Error('PostgreSQL returned no row for a select without a table')
  return row
}

/** By the index of words. @returns undefined if that finds too many to sort them */
async function search(
  db: Database,
  tenant: string,
  filter: Filter & { text: string },
): Promise<ExecutionId[] | undefined> {
  const { text, only } = filter
  for (const pattern of new Set([await rareOf(db, text), patternOf(text)])) {
    const [row] = await db.query<{ ids: ExecutionId[]; found: number }>(
      `orchestrator.list_by_words${named(only)}`,
      // The limit comes first, so that however many of them the filters exclude, no more are read.
      `with found as materialized (select * from ends where words like lower($13) limit ${FOUND_MAX + 1})
       select array(
           select execution_id::text from found e
            where tenant = $1 and ${WITHIN} and ${OTHERS} and ${matches('e')} and $4::bigint > 0
              and ${only === undefined ? 'true' : COUNTED_ROWS[only].end}
            order by execution_id desc limit $9) as ids,
         (select count(*)::int from found) as found`,
      [...valuesOf(tenant, filter), pattern],
    )
    if (row && row.found <= FOUND_MAX) return row.ids
  }
  return undefined
}

/**
 * The index reads a list of executions for each group of letters: those of a word that nearly all have cost most, and
 * exclude nothing. A word between two signs is looked up with them, so a short one is found as well.
 *
 * @returns a pattern that the text matches, without its common words; with them if it has no others
 */
async function rareOf(db: Database, text: string): Promise<string> {
  const asked = new Map<string, string>()
  for (const { 0: word, index } of text.matchAll(WORD)) {
    const between = index > 0 && index + word.length < text.length
    if (asked.size < WORDS_MAX && !asked.has(word))
      asked.set(word, between ? text.slice(index - 1, index + word.length + 1) : word)
  }
  const rows = await db.query<{ word: string }>(
    'orchestrator.rare_words',
    `with sample as materialized (
       select words from ends tablesample system ((
         select least(100, 100.0 * ${SAMPLE_PAGES} * current_setting('block_size')::int / greatest(1, pg_relation_size('ends')))))
         repeatable (0))
     select word from unnest($1::text[], $2::text[]) as asked(word, pattern)
      where (select count(*) filter (where words like lower(pattern)) <= count(*) * ${RARE_PART_MAX} from sample)`,
    [[...asked.keys()], [...asked.values()].map(patternOf)],
  )
  const rare = new Set(rows.map(({ word }) => word))
  if (![...rare].some((word) => asked.get(word) !== word || INDEXED.test(word))) return patternOf(text)
  return patternOf(text).replace(WORD, (word) => (rare.has(word) ? word : '%'))
}

async function readSummaries(db: Database, ids: readonly ExecutionId[]): Promise<ExecutionPage['executions']> {
  const rows = await db.query<Row>(
    'orchestrator.summaries',
    `select execution_id, status, method, template_used, created_at, finished_at, task_verified, request->>'task' as task,
            user_name as user, case when error is not null then
              jsonb_build_object('code', error->>'code', 'message', left(error->>'message', ${ERROR_CHARS_MAX})) end as error
       from executions where execution_id = any($1::uuid[]) order by execution_id desc`,
    [ids],
  )
  return rows.map(({ created_at: created, finished_at: finished, task_verified: verified, ...row }) => ({
    ...row,
    success: row.status === 'done' && verified,
    created_at: created.toISOString(),
    finished_at: finished?.toISOString() ?? null,
    time_ms: finished === null ? null : finished.getTime() - created.getTime(),
  }))
}

type Row = Omit<ExecutionPage['executions'][number], 'success' | 'created_at' | 'finished_at' | 'time_ms'> & {
  created_at: Date
  finished_at: Date | null
  task_verified: boolean
}

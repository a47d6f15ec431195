/**
 * The ledger of actions. An intent is in it before its effect, and an outcome after it; both are written many in one
 * statement, so that a commit carries the actions of all that wait for one.
 *
 * Whether an attempt may act is decided in the statement that writes the intent, by the orchestrator's view `dispatch`:
 * the token is the task's newest, the sealed action is this one, and nobody has cancelled it.
 */
import type { Action, ActionResult, Intent, Reversibility } from '@deed/proto/action'
import type { ErrorBody } from '@deed/proto/errors'
import type { ActionId, ExecutionId, FencingToken, TaskId } from '@deed/proto/ids'
import { KINDS } from '@deed/proto/kinds'
import type { Evidence } from '@deed/proto/observation'
import type { TaskReport } from '@deed/proto/task'
import { batched } from '@deed/store/batched'
import type { Store } from '@deed/store/database'
import { redactValue } from '@deed/telemetry/redact'
import type { After, Before } from '../kind/kind.ts'
import type { Seen } from '../kind/seen.ts'
import type { Holder } from '../processes/this-process.ts'
import { storable } from './storable.ts'

export type ReportedEffect = TaskReport['effect']

export interface IntentToWrite {
  readonly tenant: string
  readonly actionId: ActionId
  readonly executionId: ExecutionId
  readonly taskId: TaskId
  readonly token: FencingToken
  readonly action: Action
  readonly actionHash: string
  readonly before: Before
  /** When it began to look for what is in `before`, on the clock of `performance.now()`. */
  readonly observedAt: number
  readonly reversibility: Reversibility
}

/** What the ledger has about an action. */
export interface LedgerRow {
  token: string | number
  /** New with each intent; null under a release that made none. A report proves by it that its sender has this row. */
  attempt_key: string | null
  intent: Intent
  before: Before
  reversibility: Reversibility
  host: string
  boot_id: string
  pid: number
  pid_started: string
  outcome: 'done' | 'failed' | null
  outcome_token: string | number | null
  /** null: the one attempt that may have left something behind has not said what. */
  effect: ReportedEffect | null
  evidence: Evidence | null
  result: ActionResult | null
  error: ErrorBody | null
  after: After | null
  undo_outcome: 'done' | 'failed' | null
  undo_token: string | number | null
  undo_evidence: Evidence | null
  undo_error: ErrorBody | null
}

export interface WrittenIntent {
  action_id: string
  attempt_key: string
  /** What is known of earlier attempts, where one of them may have left something behind. */
  doubtful: LedgerRow | null
}

export type WrittenUndoIntent = LedgerRow & {
  /** Nothing was ever begun. */
  inserted: boolean
}

export interface OutcomeToWrite {
  readonly tenant: string
  readonly actionId: ActionId
  readonly token: FencingToken
  readonly intent: Intent
  readonly outcome: 'done' | 'failed'
  readonly effect: ReportedEffect
  readonly evidence?: Evidence | undefined
  readonly result?: ActionResult | undefined
  readonly error?: ErrorBody | undefined
  readonly after?: After | undefined
  /** Observations before the one in the evidence. */
  readonly earlierObservations: readonly Seen[]
}

export interface Ledger {
  /** @returns `undefined` when this attempt may not act, or the action has been met under the same or a newer token */
  writeIntent(intent: IntentToWrite): Promise<WrittenIntent | undefined>
  /**
   * Takes the action over from every attempt under a lower token, to undo it.
   *
   * @returns `undefined` as `writeIntent` does
   */
  writeUndoIntent(undo: UndoToWrite): Promise<WrittenUndoIntent | undefined>
  /**
   * Takes over an attempt under the same token from a process that has died.
   *
   * @returns `undefined` when it could not be had: its lease has expired, or somebody else has it
   */
  adopt(
    tenant: string,
    actionId: ActionId,
    token: FencingToken,
    from: LedgerRow,
  ): Promise<{ cancelled: boolean } | undefined>
  /** Changes nothing when the action has a newer token. */
  writeOutcome(outcome: OutcomeToWrite): Promise<void>
  /** Whether the attempt just before this one made the effect, and saw it. */
  wasMade(tenant: string, actionId: ActionId, token: FencingToken): Promise<boolean>
  find(tenant: string, actionId: ActionId): Promise<LedgerRow | undefined>
  /** Those that were ever begun, with what they are. */
  findWhole(tenant: string, actionIds: readonly ActionId[]): Promise<WholeRow[]>
  /** Other actions that may have written files since this one looked at what was there before it. */
  findConcurrent(tenant: string, actionId: ActionId): Promise<Concurrent[]>
  /** Keeps what an attempt has left that could not say so itself, unless that is known or a newer one has begun. */
  keepAfter(tenant: string, actionId: ActionId, token: FencingToken, after: After): Promise<void>
  /** What earlier attempts left is taken back. @returns whether the attempt is still the newest, and may begin */
  beginAgain(attempt: AttemptAgain): Promise<boolean>
  /** @returns what the newest of equal actions met that had an effect which is not undone */
  findDone(tenant: string, action: Action): Promise<Before | undefined>
  /** Other commands of which nobody knows what they left, and that may not go on any more. */
  findForsaken(tenant: string, actionId: ActionId): Promise<Forsaken[]>
}

export interface Concurrent {
  readonly action: Action
  /** Of the same execution. */
  readonly kindred: boolean
  readonly after: After | null
}

export interface Forsaken extends Pick<LedgerRow, 'token' | 'before' | 'after'> {
  readonly action_id: ActionId
  readonly action: Action
}

/** What is there once an earlier attempt was taken back. */
export type AttemptAgain = Pick<
  IntentToWrite,
  'tenant' | 'actionId' | 'token' | 'before' | 'observedAt' | 'reversibility'
>

export type WholeRow = LedgerRow & { action_id: ActionId; execution_id: ExecutionId; task_id: TaskId; action: Action }

export type UndoToWrite = Omit<IntentToWrite, 'before' | 'observedAt' | 'reversibility'>

const COLUMNS = `a.token, a.attempt_key, a.intent, a.before, a.reversibility, a.host, a.boot_id, a.pid, a.pid_started, a.outcome,
  a.outcome_token, a.effect, a.evidence, a.result, a.error, a.after, a.undo_outcome, a.undo_token, a.undo_evidence,
  a.undo_error`

/** The kinds whose actions change files that they do not name. */
const COMMANDS = `(${Object.entries(KINDS).flatMap(([kind, { exclusive }]) => (exclusive === 'workspace' ? `'${kind}'` : []))})`

/**
 * Whether what was read before an earlier attempt is of no more use: that attempt left nothing behind. What it said of its
 * effect holds until the next intent; from then on nobody knows, whatever was known before.
 */
const CLEAN = `(actions.undo_outcome is not distinct from 'done' or actions.effect is not distinct from 'none')`

/** Keeps what the row says of the attempt that is about to be superseded. */
const KEEP_ATTEMPT = `
  insert into attempts (tenant, action_id, token, intent, worker_id, host, pid, intent_at, outcome, effect, evidence, error)
  select o.tenant, o.action_id, o.token, o.intent, o.worker_id, o.host, o.pid, o.intent_at,
    case when o.intent = 'undo' then case when o.undo_token = o.token then o.undo_outcome end
      when o.outcome_token = o.token then o.outcome end,
    case when o.outcome_token = o.token then o.effect end,
    case when o.intent = 'undo' then case when o.undo_token = o.token then o.undo_evidence end
      when o.outcome_token = o.token then o.evidence end,
    case when o.intent = 'undo' then case when o.undo_token = o.token then o.undo_error end
      when o.outcome_token = o.token then o.error end
  from allowed x join actions o on o.tenant = x.tenant and o.action_id = x.action_id and o.token < x.token
  where x.token > 1
  on conflict do nothing`

/**
 * Whether `x` is the current attempt, sealed and still wanted. The offset keeps the planner from turning the look-up
 * of one row into a scan of all, which it takes for cheap as long as it has not seen the tables full.
 */
const granted = (intent: Intent) => `
  select from orchestrator.dispatch d where d.tenant = x.tenant and d.task_id = x.task_id and d.token = x.token
    and d.action_hash = x.action_hash and d.intent = '${intent}' and not d.cancelled offset 0`

const WRITE_INTENTS = `
  with allowed as (
    select x.* from jsonb_to_recordset($1::jsonb) as x(tenant text, action_id uuid, execution_id uuid, task_id uuid,
      token bigint, kind text, action jsonb, action_hash text, before jsonb, observed_ms float8, reversibility text)
    cross join lateral (${granted('do')}) d
  ), kept as (${KEEP_ATTEMPT})
  insert into actions as actions (tenant, action_id, execution_id, task_id, token, attempt_key, intent, kind, action, action_hash,
    before, observed_at, reversibility, host, boot_id, pid, pid_started, worker_id)
  select tenant, action_id, execution_id, task_id, token, gen_random_uuid(), 'do', kind, action, action_hash, before,
    statement_timestamp() - observed_ms * interval '1 millisecond', reversibility, $2, $3, $4, $5, $6 from allowed
  on conflict (tenant, action_id) do update set token = excluded.token, attempt_key = gen_random_uuid(),
    action = excluded.action, action_hash = excluded.action_hash,
    intent = excluded.intent, host = excluded.host, boot_id = excluded.boot_id, pid = excluded.pid,
    pid_started = excluded.pid_started, worker_id = excluded.worker_id, intent_at = excluded.intent_at, finished_at = null,
    observed_at = case when ${CLEAN} then excluded.observed_at else actions.observed_at end,
    before = case when ${CLEAN} then excluded.before else actions.before end,
    reversibility = case when ${CLEAN} then excluded.reversibility else actions.reversibility end,
    after = case when ${CLEAN} then null else actions.after end,
    effect = case when not ${CLEAN} then coalesce(actions.effect, 'unknown') end,
    undo_outcome = null, undo_token = null, undo_evidence = null, undo_error = null, undo_finished_at = null
  where actions.token < excluded.token
  returning actions.action_id, actions.attempt_key, case when actions.effect is not null then to_jsonb(actions) end as doubtful`

/** Where nothing was begun, a row is made all the same: an attempt that is still on its way meets it and does nothing. */
const WRITE_UNDO_INTENT = `
  with allowed as (
    select x.* from (values ($1::text, $2::uuid, $3::uuid, $4::uuid, $5::bigint, $6::text, $7::jsonb, $8::text))
      x(tenant, action_id, execution_id, task_id, token, kind, action, action_hash)
    cross join lateral (${granted('undo')}) d
  ), kept as (${KEEP_ATTEMPT})
  insert into actions as actions (tenant, action_id, execution_id, task_id, token, attempt_key, intent, kind, action, action_hash,
    before, reversibility, effect, host, boot_id, pid, pid_started, worker_id)
  select tenant, action_id, execution_id, task_id, token, gen_random_uuid(), 'undo', kind, action, action_hash,
    '{"state": "unknown"}', 'reversible', 'none', $9, $10, $11, $12, $13 from allowed
  on conflict (tenant, action_id) do update set token = excluded.token, attempt_key = gen_random_uuid(),
    action_hash = excluded.action_hash, intent = excluded.intent, host = excluded.host, boot_id = excluded.boot_id,
    pid = excluded.pid, pid_started = excluded.pid_started, worker_id = excluded.worker_id,
    intent_at = excluded.intent_at, finished_at = null
  where actions.token < excluded.token
  returning actions.action_id, (xmax = 0) as inserted, ${COLUMNS.replaceAll('a.', 'actions.')}`

const WRITE_OUTCOMES = `
  with given as (
    select x.* from jsonb_to_recordset($1::jsonb) as x(tenant text, action_id uuid, token bigint, intent text,
      outcome text, effect text, evidence jsonb, result jsonb, error jsonb, after jsonb, observations jsonb)
  ), observed as (
    insert into observations (tenant, action_id, token, number, outcome, observed, facts)
    select g.tenant, g.action_id, g.token, o.number, o.observation ->> 'outcome', o.observation ->> 'observed', o.observation -> 'facts'
    from given g, jsonb_array_elements(g.observations) with ordinality as o(observation, number)
    where jsonb_array_length(g.observations) > 0
    on conflict do nothing
  )
  update actions a set
    outcome = case when g.intent = 'do' then g.outcome else a.outcome end,
    outcome_token = case when g.intent = 'do' then g.token else a.outcome_token end,
    effect = case when g.intent = 'do' then g.effect else a.effect end,
    evidence = case when g.intent = 'do' then g.evidence else a.evidence end,
    result = case when g.intent = 'do' then g.result else a.result end,
    error = case when g.intent = 'do' then g.error else a.error end,
    after = case when g.intent = 'do' then coalesce(g.after, a.after) else a.after end,
    finished_at = clock_timestamp(),
    undo_outcome = case when g.intent = 'undo' then g.outcome end,
    undo_token = case when g.intent = 'undo' then g.token end,
    undo_evidence = case when g.intent = 'undo' then g.evidence end,
    undo_error = case when g.intent = 'undo' then g.error end,
    undo_finished_at = case when g.intent = 'undo' then clock_timestamp() end
  from given g where a.tenant = g.tenant and a.action_id = g.action_id and a.token = g.token`

/** As where an intent is written: a message that comes again may be of an expired lease, though the token is the last. */
const ADOPT = `
  update actions a set host = $4, boot_id = $5, pid = $6, pid_started = $7, worker_id = $8
  from orchestrator.dispatch d
  where a.tenant = $1 and a.action_id = $2 and a.token = $3 and a.host = $9 and a.boot_id = $10 and a.pid = $11
    and a.pid_started = $12 and d.tenant = a.tenant and d.task_id = a.task_id and d.token = a.token
    and d.action_hash = a.action_hash and d.intent = a.intent
  returning d.cancelled`

const FIND = `select ${COLUMNS} from actions a where tenant = $1 and action_id = $2`

/**
 * An intent is there before its effect, so what an effect may have touched is found here, in whatever attempt. When this
 * action looked is known but for the time that its intent was on its way: what other executions did in between counts
 * as beside it. What its own execution did came before it; and so did commands whose intents did, since they take turns.
 */
const FIND_CONCURRENT = `
  with self as (
    select a.execution_id, a.observed_at as since from actions a where a.tenant = $1 and a.action_id = $2
  ), earliest as materialized (select since - interval '2 seconds' as since from self)
  select a.action, a.execution_id = self.execution_id as kindred, a.after from actions a, self
  where a.tenant = $1 and a.action_id <> $2 and (a.finished_at is null or a.effect is distinct from 'none')
    and (a.action -> 'input' ?| array['path', 'from', 'to'] or a.action ? 'verify' or a.after ? 'changes')
    and (a.finished_at is null or a.finished_at >= (select since from earliest))
    and case when a.kind in ${COMMANDS} then a.intent_at >= self.since else a.finished_at is null or a.finished_at >=
      case when a.execution_id = self.execution_id then self.since else self.since - interval '2 seconds' end end`

/** One with an unknown outcome after an hour is left to the executor that takes it up. */
const FIND_DONE = `
  select before from actions
   where tenant = $1 and kind = $2 and action->'input' = $3::jsonb and action->>'workspace' is not distinct from $4
     and intent = 'do' and outcome = 'done' and effect = 'made'
   order by intent_at desc limit 1`

const FIND_FORSAKEN = `
  select a.action_id, a.token, a.action, a.before, a.after from actions a
  where a.tenant = $1 and a.action_id <> $2 and a.kind in ${COMMANDS} and a.after is null
    and (a.finished_at is null or a.finished_at > now() - interval '1 hour' and a.effect is distinct from 'none'
      and a.undo_outcome is distinct from 'done')
    and not exists (select from orchestrator.dispatch d
      where d.tenant = a.tenant and d.task_id = a.task_id and d.token = a.token)`

const KEEP_AFTER = `
  update actions set after = $4 where tenant = $1 and action_id = $2 and token = $3 and after is null`

const BEGIN_AGAIN = `
  update actions set before = $4, observed_at = statement_timestamp() - $5 * interval '1 millisecond', reversibility = $6,
    after = null
  where tenant = $1 and action_id = $2 and token = $3 and intent = 'do'
  returning action_id`

const WAS_MADE = `
  select from (select * from attempts where tenant = $1 and action_id = $2 and token < $3 order by token desc limit 1) a
  where intent = 'do' and outcome = 'done' and effect = 'made'`

export function openLedger(store: Pick<Store<unknown>, 'query'>, holder: Holder): Ledger {
  const held = [holder.host, holder.bootId, holder.pid, holder.pidStarted, holder.workerId]

  const writeIntent = batched(async (intents: IntentToWrite[]) => {
    const rows = await store.query<WrittenIntent>('write-intents', WRITE_INTENTS, [
      storable(
        intents.map((one) => ({
          tenant: one.tenant,
          action_id: one.actionId,
          execution_id: one.executionId,
          task_id: one.taskId,
          token: one.token,
          kind: one.action.kind,
          action: redactValue(one.action),
          action_hash: one.actionHash,
          before: one.before,
          observed_ms: performance.now() - one.observedAt,
          reversibility: one.reversibility,
        })),
      ),
      ...held,
    ])
    const byAction = new Map(rows.map((row) => [row.action_id, row]))
    return intents.map(({ actionId }) => byAction.get(actionId))
  })

  const writeOutcome = batched(async (outcomes: OutcomeToWrite[]) => {
    await store.query('write-outcomes', WRITE_OUTCOMES, [
      storable(
        outcomes.map(({ actionId, earlierObservations, ...one }) => ({
          ...one,
          action_id: actionId,
          observations: earlierObservations,
        })),
      ),
    ])
    return outcomes.map(() => undefined)
  })

  const find: Ledger['find'] = async (tenant, actionId) =>
    (await store.query<LedgerRow>('find-action', FIND, [tenant, actionId]))[0]

  return {
    writeIntent,
    async writeOutcome(outcome) {
      await writeOutcome(outcome)
    },
    find,
    wasMade: async (...of) => (await store.query('was-made', WAS_MADE, of)).length > 0,
    findWhole: (tenant, actionIds) =>
      store.query<WholeRow>(
        'find-whole',
        `select a.action_id, a.execution_id, a.task_id, a.action, ${COLUMNS} from actions a
          where a.tenant = $1 and a.action_id = any($2::uuid[])`,
        [tenant, actionIds],
      ),
    findConcurrent: (tenant, actionId) => store.query<Concurrent>('find-beside', FIND_CONCURRENT, [tenant, actionId]),
    async findDone(tenant, { kind, input, workspace }) {
      const given = [tenant, kind, storable(redactValue(input)), workspace ?? null]
      const [row] = await store.query<{ before: Before }>('find-done', FIND_DONE, given)
      return row?.before
    },
    findForsaken: (tenant, actionId) => store.query<Forsaken>('find-forsaken', FIND_FORSAKEN, [tenant, actionId]),
    async keepAfter(tenant, actionId, token, after) {
      await store.query('keep-after', KEEP_AFTER, [tenant, actionId, token, storable(after)])
    },
    async beginAgain({ tenant, actionId, token, before, observedAt, reversibility }) {
      const observedMs = performance.now() - observedAt
      const given = [tenant, actionId, token, storable(before), observedMs, reversibility]
      return (await store.query('begin-again', BEGIN_AGAIN, given)).length > 0
    },
    async writeUndoIntent({ tenant, actionId, executionId, taskId, token, action, actionHash }) {
      const [row] = await store.query<WrittenUndoIntent>('write-undo', WRITE_UNDO_INTENT, [
        ...[tenant, actionId, executionId, taskId, token, action.kind, storable(redactValue(action)), actionHash],
        ...held,
      ])
      return row
    },
    async adopt(tenant, actionId, token, { host, boot_id, pid, pid_started }) {
      const [row] = await store.query<{ cancelled: boolean }>('adopt-action', ADOPT, [
        ...[tenant, actionId, token],
        ...held,
        ...[host, boot_id, pid, pid_started],
      ])
      return row
    },
  }
}

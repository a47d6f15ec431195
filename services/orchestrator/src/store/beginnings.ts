/**
 * Stores new executions together with their plan and the leases on their first tasks: many in one statement and one
 * commit.
 */
import type { Draft } from '../execution/draft.ts'
import type { Admission } from '../execution/new-execution.ts'
import { columns, names, typed } from './columns.ts'
import { ADMITTED } from './executions.ts'
import type { Database } from './schema.ts'
import { type Answer, type Committed, committing, inputOf, MOVED, outcomesOf, PARTS, partsOf } from './transitions.ts'

/** A plan for an execution that is not stored yet. */
export interface Beginning {
  admission: Admission
  draft: Draft
}

const STORED = { ...ADMITTED, ...MOVED, ...columns('version integer') }
const WAITING = columns('reply_to text, due_at timestamptz')

/** A key that is taken, or this very row where an answer was lost, stores nothing. */
const BEGIN = `
with x as (
  select * from jsonb_to_recordset($1::jsonb->'executions') as x(${typed(STORED, WAITING)})
), moved as (
  insert into executions (${names(STORED)}) select ${names(STORED)} from x
  on conflict do nothing
  returning execution_id, tenant
), waiting as (
  insert into waiters (tenant, execution_id, reply_to, due_at)
  select m.tenant, m.execution_id, x.reply_to, x.due_at from x join moved m using (execution_id)
   where x.reply_to is not null
  returning waiter_id, execution_id, reply_to
)`

const ANSWER = `
select m.execution_id, false as contradicted, (
    select jsonb_agg(jsonb_build_object('waiter_id', w.waiter_id::text, 'reply_to', w.reply_to))
      from waiting w where w.execution_id = m.execution_id) as waiters
  from moved m`

/** @returns `moved` if the key has an execution already; with those who wait for it */
export const openBeginnings = (db: Database): ((beginning: Beginning) => Promise<Committed>) =>
  committing(async (beginnings) => {
    const drafts = beginnings.map(({ draft }) => draft)
    const input = inputOf(drafts)
    const executions = beginnings.map(({ admission, draft: { execution, expectedVersion } }) => ({
      ...execution,
      ...admission.waiter,
      version: expectedVersion + 1,
    }))
    const parts = partsOf(input)
    const text = `${[BEGIN, ...parts.map((part) => PARTS[part])].join(', ')}${ANSWER}`
    const given = JSON.stringify({ ...input, executions })
    return outcomesOf(drafts, await db.query<Answer>(`orchestrator.begin.${parts.join('.')}`, text, [given]))
  })

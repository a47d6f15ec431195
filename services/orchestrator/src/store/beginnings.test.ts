// Executions that are stored together with their plan, on a real PostgreSQL.
import { WordsRequest } from '@deed/proto/execution'
import { LOCAL } from '@deed/proto/ids'
import { testDatabase } from '@deed/store/test-database'
import { describe, expect, it } from 'vitest'
import { draftOf } from '../execution/draft.ts'
import { admissionOf, emptySnapshot, newExecution } from '../execution/new-execution.ts'
import { newTask } from '../execution/new-task.ts'
import { planned } from '../reconcile/planned.ts'
import { openBeginnings } from './beginnings.ts'
import { loadSnapshot, openAdmissions } from './executions.ts'
import { migrations } from './migrations.ts'
import type { Schema } from './schema.ts'

const TRACE = '00-00000000000000000000000000000001-0000000000000001-00'

function beginning(task: string, given: { key?: string; concurrencyKey?: string } = {}) {
  const request = WordsRequest.parse({ task, ...(given.key === undefined ? {} : { idempotency_key: given.key }) })
  const waiter = { replyTo: `_INBOX.${task.replaceAll(' ', '-')}`, dueAt: Date.now() + 60_000 }
  const incoming = { request, principal: LOCAL, trace: TRACE, waiter }
  const execution = newExecution(incoming, Date.now())
  const admission = admissionOf(execution, incoming)
  const snapshot = emptySnapshot({ ...execution })
  const draft = draftOf(snapshot, Date.now())
  draft.audit.push(...admission.audit)
  const running = newTask(execution, {
    ...{ position: 0, name: 'write', title: task, task_kind: 'act', capability: 'act', priority: 5, now: Date.now() },
    ...{ actual_status: 'in_progress', token: 1, concurrency_key: given.concurrencyKey ?? null },
  })
  const plan = { number: 1, plan: { parts: [] }, plan_hash: 'hash', policy_version: 'v' }
  planned(draft, { work: { tasks: [running], approvals: [], plan }, found: { method: 'autonomous' } })
  return { admission, draft }
}

describe('an execution that begins with its plan', () => {
  it('is stored with its task, its audit log and who waits, and continues from there', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    const one = beginning('write a file')
    const { execution } = one.draft
    expect(await openBeginnings(db)(one)).toEqual({
      outcome: 'committed',
      waiters: [
        { waiter_id: expect.any(String), execution_id: execution.execution_id, reply_to: '_INBOX.write-a-file' },
      ],
    })
    const stored = await loadSnapshot(db, execution.execution_id)
    expect(stored?.execution).toMatchObject({ status: 'running', method: 'autonomous', version: 2, audit_seq: 2 })
    expect([...(stored?.tasks.values() ?? [])]).toMatchObject([{ actual_status: 'in_progress', token: 1 }])
    const audit = await db.query('audit', 'select type from audit_log order by seq', [])
    expect(audit).toEqual([{ type: 'execution.accepted' }, { type: 'execution.planned' }])
  })

  it('is not stored where its key has an execution, which the ordinary way then finds', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    const begin = openBeginnings(db)
    const [first, second] = [beginning('write a file', { key: 'k' }), beginning('write a file', { key: 'k' })]
    expect(await begin(first)).toMatchObject({ outcome: 'committed' })
    expect(await begin(second)).toEqual({ outcome: 'moved' })
    const counts = `select (select count(*)::int from executions) as executions, (select count(*)::int from waiters) as waiters,
      (select count(*)::int from actual_state) as tasks, (select count(*)::int from audit_log) as audit`
    expect(await db.query('counts', counts, [])).toEqual([{ executions: 1, waiters: 1, tasks: 1, audit: 2 }])
    expect(await openAdmissions(db)(second.admission)).toMatchObject({
      ...{ existed: true, execution_id: first.draft.execution.execution_id },
    })
  })

  it('is alone refused where another task runs under its concurrency key, whatever shares its statement', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    const begin = openBeginnings(db)
    expect(await begin(beginning('hold', { concurrencyKey: 'c' }))).toMatchObject({ outcome: 'committed' })
    const outcomes = await Promise.all([
      begin(beginning('write a')),
      begin(beginning('write b', { concurrencyKey: 'c' })),
      begin(beginning('write c')),
    ])
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['committed', 'key_busy', 'committed'])
  })
})

// An end is marked a moment after it: by then the execution may be on its way again.
import { testDatabase } from '@deed/store/test-database'
import { expect, it } from 'vitest'
import { admissionOf, newExecution } from '../execution/new-execution.ts'
import { openAdmissions } from './executions.ts'
import { markFollowedUp } from './followed-up.ts'
import { migrations } from './migrations.ts'
import type { Schema } from './schema.ts'

it('marks the end that was seen to, and not an execution that continues since', async () => {
  await using db = await testDatabase<Schema>('orchestrator', migrations)
  const incoming = {
    request: { task: 'it', mode: 'auto', priority: 'normal', dry_run: false } as const,
    principal: { tenant: 'local', user: 'user' },
    trace: '',
    waiter: { replyTo: '_INBOX.one', dueAt: Date.now() + 60_000 },
  }
  const execution = newExecution(incoming, Date.now())
  Object.assign(execution, { status: 'done', finished_at: execution.created_at })
  const admission = admissionOf(execution, incoming)
  await openAdmissions(db)(admission)
  const { execution_id } = execution
  const seen = async () =>
    (
      await db.query(
        'test.seen',
        `select followed_up, (select count(*)::int from waiters) as waiters from executions`,
        [],
      )
    )[0]
  const totals = () => db.query('test.totals', 'select name, labels, value::int from totals', [])
  await markFollowedUp(db, [{ execution_id, audit_seq: execution.audit_seq - 1 }])
  expect(await seen()).toEqual({ followed_up: false, waiters: 1 })
  await markFollowedUp(db, [{ execution_id, audit_seq: execution.audit_seq }])
  expect(await seen()).toEqual({ followed_up: true, waiters: 0 })
  expect(await totals()).toEqual([])
  await db.query('test.again', 'update executions set followed_up = false', [])
  const end = { execution_id, audit_seq: execution.audit_seq }
  const truth = { name: 'deed_rollbacks_total', labels: { outcome: 'rolled_back' } } as const
  await markFollowedUp(db, [{ ...end, audit_seq: end.audit_seq - 1, totals: [truth] }])
  expect(await totals()).toEqual([])
  // Two replicas may follow up on one end: it counts once.
  for (let replica = 0; replica < 2; replica++) await markFollowedUp(db, [{ ...end, totals: [truth] }])
  expect(await totals()).toEqual([{ ...truth, value: 1 }])
  expect(await seen()).toEqual({ followed_up: true, waiters: 0 })
})

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
  const admission = admissionOf(execution, incoming)
  await openAdmissions(db)(admission)
  const { execution_id } = execution
  const seen = async () =>
    (
      await db.query('test.seen', `select settled, (select count(*)::int from waiters) as waiters from executions`, [])
    )[0]
  await markFollowedUp(db, [{ execution_id, audit_seq: execution.audit_seq - 1 }])
  expect(await seen()).toEqual({ settled: false, waiters: 1 })
  await markFollowedUp(db, [{ execution_id, audit_seq: execution.audit_seq }])
  expect(await seen()).toEqual({ settled: true, waiters: 0 })
})

// A real PostgreSQL, and a burst of requests that nobody waits for.
import { WordsRequest } from '@deed/proto/execution'
import { LOCAL } from '@deed/proto/ids'
import { testDatabase } from '@deed/store/test-database'
import { expect, it } from 'vitest'
import { admissionOf, newExecution } from '../execution/new-execution.ts'
import { openAdmissions } from './executions.ts'
import { migrations } from './migrations.ts'
import type { Schema } from './schema.ts'

const BURST = 5_000
const TRACE = '00-00000000000000000000000000000001-0000000000000001-00'

it('a request that somebody waits for is admitted before most of a burst that came in before it', async () => {
  await using db = await testDatabase<Schema>('orchestrator', migrations)
  const admit = openAdmissions(db)
  const incoming = (task: string) => ({ request: WordsRequest.parse({ task }), principal: LOCAL, trace: TRACE })
  const admitted = (task: string, waiter?: { replyTo: string; dueAt: number }) => {
    const asked = { ...incoming(task), waiter }
    return admit(admissionOf(newExecution(asked, Date.now()), asked))
  }
  let stored = 0
  const burst = Promise.all(
    Array.from({ length: BURST }, async (_, n) => {
      await admitted(`write "x" to file-${n}.txt`)
      stored++
    }),
  )
  await admitted('is the press service running?', { replyTo: '_INBOX.test', dueAt: Date.now() + 60_000 })
  expect(stored).toBeLessThan(BURST / 2)
  await burst
  expect(stored).toBe(BURST)
}, 120_000)

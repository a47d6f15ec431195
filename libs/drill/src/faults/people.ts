/** Many people decide at the same moment, and somebody stops what runs. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@deed/process/until'
import { decideApproval } from '@deed/proto/approval'
import { getExecution, requestExecution } from '@deed/proto/execution'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { cancelExecution } from '@deed/proto/steering'
import { commandEffect } from '../harness/effects.ts'
import type { Fault } from '../harness/fault.ts'

const CALLERS = 100
const APPROVER = { principal: { tenant: 'local', user: 'approver' } }

export const people: readonly Fault[] = [
  {
    id: 'F36',
    title: `${CALLERS} callers approve, deny and cancel the same thing at once`,
    async run({ mesh, name, random }) {
      const { client, database } = mesh
      const key = name('raced')
      const asked = await client.call(requestExecution, {
        task: `tell the guarded witness "${key}"`,
        idempotency_key: key,
        mode: 'background',
      })
      const { execution_id } = asked
      const detail = await until(
        async () => {
          const now = await client.call(getExecution, { execution_id })
          return now.approval_id === undefined ? undefined : now
        },
        { what: 'the question' },
      )
      const approval_id = detail.approval_id!
      const decide = (decision: 'approve' | 'deny') => client.call(decideApproval, { approval_id, decision }, APPROVER)
      const calls = [
        () => decide('approve'),
        () => decide('approve'),
        () => decide('deny'),
        () => client.call(cancelExecution, { execution_id }),
      ]
      await Promise.allSettled(Array.from({ length: CALLERS }, () => random.pick(calls)()))
      const { status } = await until(
        async () => {
          const now = await client.call(getExecution, { execution_id })
          return (FINAL_EXECUTION_STATUSES as ReadonlySet<string>).has(now.status) ? now : undefined
        },
        { what: 'the end of what was raced for' },
      )
      const { rows } = await database.query('select status from orchestrator.approvals where execution_id = $1', [
        execution_id,
      ])
      assert.equal(rows.length, 1, 'one question has several rows')
      const times = mesh.requests.keysOf(key).length
      assert.ok(times <= 1, `it happened ${times} times`)
      if (status === 'done') assert.deepEqual([times, rows[0].status], [1, 'used'])
      if (rows[0].status === 'denied') assert.equal(times, 0, 'it was denied, and done')
      await assert.rejects(decide('approve'), 'what is decided can be decided again')
    },
  },
  {
    id: 'F37',
    title: 'a command is cancelled while it runs',
    needs: ({ linux }) => (linux ? undefined : 'only Linux tells which processes there are'),
    async run({ mesh, name }) {
      const effect = commandEffect(mesh, name('cancelled'), 50)
      const { execution_id } = await mesh.client.call(requestExecution, {
        task: effect.task,
        idempotency_key: effect.name,
        mode: 'background',
      })
      const begun = join(mesh.workspace, `${effect.name}.runs`)
      await until(() => existsSync(begun), { what: 'the run' })
      await mesh.client.call(cancelExecution, { execution_id })
      await until(async () => (await mesh.client.call(getExecution, { execution_id })).status === 'cancelled', {
        what: 'the cancellation',
      })
      assert.deepEqual(processesNaming(`count.sh\0${effect.name}`), [], 'its processes live on')
      assert.equal(existsSync(begun), false, 'what it had done was not taken back')
      assert.equal(effect.count(), 0)
    },
  },
]

/** The ids of all processes whose arguments contain the text. */
function processesNaming(text: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)
    } catch {
      // It has ended meanwhile.
      return false
    }
  })
}

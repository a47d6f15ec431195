// What callers and workers do at the worst moment: the same twice, something else under the same name, stop, too late.

import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask } from '@deed/drill/harness/ask'
import { checkInvariants } from '@deed/drill/harness/check-invariants'
import { type FaultMesh, faultMesh } from '@deed/drill/harness/fault-mesh'
import { rollBack } from '@deed/drill/harness/roll-back'
import { startService } from '@deed/local/service-process'
import { connectBus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { examineOrchestrator } from '@deed/proto/doctor'
import { getExecution, requestExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { serviceAs } from '@deed/proto/permissions'
import { cancelExecution } from '@deed/proto/steering'
import { reportTask, type TaskReport } from '@deed/proto/task'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

let under: FaultMesh

/** How long a caller waits at most who is to be answered long before, in milliseconds. */
const LATE_MS = 240_000

beforeAll(async () => {
  under = await faultMesh()
})
afterAll(() => under?.[Symbol.asyncDispose]())
afterEach(() => checkInvariants(under.database))

describe('one key', () => {
  it('is one execution, however many ask at once, and each gets its answer', async () => {
    const request = { task: 'write "one" to same-key', idempotency_key: 'same-key' }
    const replies = await Promise.all(Array.from({ length: 20 }, () => under.client.call(requestExecution, request)))
    for (const reply of replies) expect(reply).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(new Set(replies.map(({ execution_id }) => execution_id)).size).toBe(1)
    expect(under.files.changesOf('same-key')).toBe(1)
  })

  it('is refused for another request, and that one changes nothing', async () => {
    const key = 'taken-key'
    await ask(under.client, { task: 'write "one" to taken-key', idempotency_key: key })
    const other = under.client.call(requestExecution, { task: 'write "two" to taken-key', idempotency_key: key })
    await expect(other).rejects.toMatchObject({ code: 'idempotency_conflict', retryable: false })
    expect(under.read('taken-key')).toBe('one')
  })

  it('is refused for all but one of different requests at once', async () => {
    const key = 'raced-key'
    const ask = (text: string) =>
      under.client.call(requestExecution, { task: `write "${text}" to raced-${text}`, idempotency_key: key })
    const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map(ask))
    const refused = results.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(3)
    for (const { reason } of refused as PromiseRejectedResult[]) expect(reason.code).toBe('idempotency_conflict')
    expect(['a', 'b', 'c', 'd'].filter((text) => existsSync(join(under.workspace, `raced-${text}`)))).toHaveLength(1)
  })
})

describe('an execution that ends', () => {
  it('is answered to those who asked for it at another replica in that very moment', async () => {
    await using _second = await under.another('orchestrator')
    const request = { task: 'tell the guarded witness "ending"', idempotency_key: 'ending' }
    const patience = { timeoutMs: LATE_MS }
    const first = under.client.call(requestExecution, request, patience)
    const { approval_id, execution_id } = await until(
      async () => (await under.client.call(listApprovals, { status: 'pending' })).approvals[0],
      { what: 'a question' },
    )
    const lock = await under.database.connect()
    try {
      await lock.query('begin')
      await lock.query('select from orchestrator.executions where execution_id = $1 for no key update', [execution_id])
      const denied = under.client.call(decideApproval, { approval_id, decision: 'deny', reason: 'no' }, patience)
      const blocked = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%moved as (%'`
      await until(async () => (await under.database.query(blocked)).rowCount === 1, { what: 'the end, half written' })
      // As many as it takes for each replica to have some.
      const late = Array.from({ length: 16 }, () => under.client.call(requestExecution, request, patience))
      const waiting = 'select from orchestrator.waiters where execution_id = $1'
      await until(async () => (await under.database.query(waiting, [execution_id])).rowCount === 17, {
        what: 'everybody to wait',
      })
      // By then, who waits has read that it has not ended.
      for (let count = 0; count < 16; count++) await under.client.call(listApprovals, { status: 'pending' })
      await lock.query('commit')
      await denied
      const answered = performance.now()
      for (const reply of await Promise.all([first, ...late])) expect(reply).toMatchObject({ status: 'denied' })
      expect(performance.now() - answered).toBeLessThan(LATE_MS / 4)
    } finally {
      lock.release()
    }
  }, 400_000)
})

describe('a cancel', () => {
  it('ends the processes of a command that runs, and takes back what it had done', async () => {
    const name = 'cancelled'
    const { execution_id } = await under.client.call(requestExecution, {
      task: `run \`sh count.sh ${name} 50\` and expect the file ${name}.out`,
      mode: 'background',
    })
    await until(() => existsSync(join(under.workspace, `${name}.runs`)), { what: 'the run' })
    expect(processesNaming(`count.sh\0${name}`)).not.toEqual([])
    await under.client.call(cancelExecution, { execution_id })
    await until(async () => (await statusOf(execution_id)) === 'cancelled', { what: 'the cancellation' })
    expect(processesNaming(`count.sh\0${name}`)).toEqual([])
    expect(existsSync(join(under.workspace, `${name}.runs`))).toBe(false)
    expect(existsSync(join(under.workspace, `${name}.out`))).toBe(false)
  })

  it('races with what it cancels, and one of the two wins', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const name = `race-${index}`
        const task = `write "it" to ${name}`
        const { execution_id } = await under.client.call(requestExecution, { task, mode: 'background' })
        await under.client.call(cancelExecution, { execution_id }).catch(() => undefined)
        const status = await until(async () => {
          const now = await statusOf(execution_id)
          return now === 'done' || now === 'cancelled' ? now : undefined
        })
        expect(existsSync(join(under.workspace, name)), `${name} is ${status}`).toBe(status === 'done')
        return status
      }),
    )
    expect(outcomes).toHaveLength(20)
  })
})

describe('a command beside another execution', () => {
  it('is rolled back, and what the other one did stays', async () => {
    const [command, other] = ['rolled-back', 'stays']
    const task = `run \`sh count.sh ${command} 2\` and expect the file ${command}.out`
    const running = ask(under.client, { task, idempotency_key: command })
    await until(() => existsSync(join(under.workspace, `${command}.runs`)), { what: 'the run' })
    await ask(under.client, { task: `write "it" to ${other}`, idempotency_key: other })
    const { execution_id } = await running
    await rollBack(under.client, execution_id)
    await until(async () => (await statusOf(execution_id)) === 'rolled_back', { what: 'the rollback' })
    expect(existsSync(join(under.workspace, `${command}.out`))).toBe(false)
    expect(under.read(other)).toBe('it')
  })

  it.each([
    ['a file that is moved', 'moved', 'move moved.txt to moved-away.txt', ['moved-away.txt']],
    ['a command', 'other', 'run `sh count.sh other 0` and expect the file other.out', ['other.out']],
  ])('is rolled back beside %s, which stays', async (_, stem, otherTask, stays) => {
    const command = `beside-${stem}`
    writeFileSync(join(under.workspace, 'moved.txt'), 'moved')
    const task = `run \`sh count.sh ${command} 2\` and expect the file ${command}.out`
    const running = ask(under.client, { task, idempotency_key: command })
    await until(() => existsSync(join(under.workspace, `${command}.runs`)), { what: 'the run' })
    expect(await ask(under.client, { task: otherTask, idempotency_key: stem })).toMatchObject({ status: 'done' })
    const { execution_id } = await running
    await rollBack(under.client, execution_id)
    await until(async () => (await statusOf(execution_id)) === 'rolled_back', { what: 'the rollback' })
    expect(existsSync(join(under.workspace, `${command}.out`))).toBe(false)
    for (const name of stays) expect(existsSync(join(under.workspace, name))).toBe(true)
  })

  it('is taken over from a dead executor, and what the other one did stays', async () => {
    const [command, other] = ['taken-over', 'stays-too']
    await under.arm('executor', 'after_effect')
    const task = `run \`sh count.sh ${command} 0.5\` and expect the file ${command}.out`
    const running = ask(under.client, { task, idempotency_key: command })
    await until(() => existsSync(join(under.workspace, `${command}.runs`)), { what: 'the run' })
    const beside = ask(under.client, { task: `write "it" to ${other}`, idempotency_key: other })
    await under.revive('executor')
    for (const reply of await Promise.all([running, beside])) expect(reply).toMatchObject({ status: 'done' })
    expect(under.read(`${command}.runs`)).toBe('run\n')
    expect(under.read(other)).toBe('it')
  })
})

describe('a report under an old token', () => {
  it('is refused, and changes nothing', async () => {
    const name = 'stale'
    await under.arm('executor', 'mid_effect')
    const answer = ask(under.client, { task: `write "it" to ${name}`, idempotency_key: name })
    const attempts = `select task_id, execution_id, token from orchestrator.actual_state
      join orchestrator.executions using (execution_id) where idempotency_key = $1 and token >= 2`
    const [task] = await until(async () => {
      const { rows } = await under.database.query<Pick<TaskReport, 'task_id' | 'execution_id'>>(attempts, [name])
      return rows.length > 0 ? rows : undefined
    })
    if (!task) throw new Error('until gave no row')
    const { nats_url: url, nats_user: user, nats_password: password } = under.mesh.connectionAs('executor')
    await using late = await connectBus({ service: 'executor', url, user, password })
    const report = {
      ...task,
      token: 1,
      worker_id: 'late',
      intent: 'do' as const,
      outcome: 'done' as const,
      effect: 'made' as const,
      evidence: {
        kind: 'observed' as const,
        outcome: 'verified' as const,
        claimed: 'wrote it',
        observed: 'it is there',
        observed_at: new Date().toISOString(),
      },
      duration_ms: 1,
    }
    await expect(late.call(reportTask, report, { principal: serviceAs('executor') })).rejects.toMatchObject({
      code: 'stale_token',
    })
    const { rows } = await under.database.query(
      'select actual_status, verification from orchestrator.actual_state where task_id = $1',
      [task.task_id],
    )
    expect(rows).toMatchObject([{ verification: null }])
    await under.revive('executor')
    expect(await answer).toMatchObject({ status: 'done' })
    expect(under.files.changesOf(name)).toBe(1)
  })
})

describe('a report that the ledger contradicts', () => {
  it('is refused, logged and counted, even with the NATS user of the executor, and changes nothing', async () => {
    const name = 'forged'
    const { execution_id } = await under.client.call(requestExecution, {
      task: `run \`sh count.sh ${name} 100\` and expect the file ${name}.out`,
      mode: 'background',
    })
    await until(() => existsSync(join(under.workspace, `${name}.runs`)), { what: 'the run' })
    const attempts = 'select task_id, token::int, attempt_key from executor.actions where execution_id = $1'
    const { rows } = await under.database.query<Pick<TaskReport, 'task_id' | 'token'> & { attempt_key: string }>(
      attempts,
      [execution_id],
    )
    const { attempt_key, ...task } = rows[0]!
    const { nats_url: url, nats_user: user, nats_password: password } = under.mesh.connectionAs('executor')
    await using forger = await connectBus({ service: 'executor', url, user, password })
    const report = (said: Partial<TaskReport>) =>
      forger.call(
        reportTask,
        {
          ...{
            ...task,
            execution_id,
            worker_id: 'forger',
            intent: 'do',
            outcome: 'done',
            effect: 'made',
            duration_ms: 1,
          },
          evidence: {
            ...{ kind: 'observed', outcome: 'verified', claimed: 'ran it', observed: `${name}.out is there` },
            observed_at: new Date().toISOString(),
          },
          ...said,
        },
        { principal: serviceAs('executor') },
      )
    const failure: Partial<TaskReport> = {
      ...{ outcome: 'failed', effect: 'none', evidence: undefined },
      error: { code: 'effect_failed', message: 'it would not run', retryable: false },
    }
    const refused = { code: 'forbidden', message: expect.stringContaining('ledger') }
    // The ledger has the attempt, and the forger has not seen it.
    await expect(report({})).rejects.toMatchObject(refused)
    await expect(report({ attempt_key: randomUUID() })).rejects.toMatchObject(refused)
    await expect(report(failure)).rejects.toMatchObject(refused)
    // It has, but the ledger says that the attempt failed.
    const outcome = 'update executor.actions set outcome = $2, outcome_token = token where execution_id = $1'
    await under.database.query(outcome, [execution_id, 'failed'])
    await expect(report({ attempt_key })).rejects.toMatchObject(refused)
    await under.database.query(outcome, [execution_id, null])

    const { rows: states } = await under.database.query(
      'select actual_status, verification from orchestrator.actual_state where execution_id = $1',
      [execution_id],
    )
    expect(states).toEqual([{ actual_status: 'in_progress', verification: null }])
    const { checks } = await under.client.call(examineOrchestrator, {})
    expect(checks).toContainEqual(
      expect.objectContaining({ name: 'reports', status: 'warning', message: expect.stringMatching(/^4 reports/) }),
    )
    // What really runs is not disturbed by any of it.
    await under.client.call(cancelExecution, { execution_id })
    await until(async () => (await statusOf(execution_id)) === 'cancelled', { what: 'the cancellation' })
    const logged = await until(
      () => {
        const lines = under.log('orchestrator').split('\n')
        const found = lines.filter((line) => line.includes('a report that the ledger contradicts was refused'))
        return found.length === 4 && found
      },
      { what: 'four lines in the log' },
    )
    for (const line of logged) expect(line).toContain('"worker_id":"forger"')
    expect(logged.join()).not.toContain(attempt_key)
  })
})

describe('a crash point', () => {
  it('is refused where nobody says that this is a test', async () => {
    const env = { ...under.mesh.environmentOf('executor'), DEED_TEST: '0', DEED_CRASH_AT: 'executor.after_intent' }
    const logDir = join(under.mesh.dataDir, 'refused')
    await expect(startService({ service: 'executor', env, logDir, supervise: false })).rejects.toThrow(/DEED_TEST=1/)
  })
})

const statusOf = async (execution_id: ExecutionId): Promise<string> =>
  (await under.client.call(getExecution, { execution_id })).status

/** The ids of all processes whose arguments contain the text. */
const processesNaming = (text: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)
    } catch {
      // It has ended meanwhile.
      return false
    }
  })

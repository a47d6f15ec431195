// One mesh, whose executor dies at each of its steps and is started again. Witnesses outside of Deed count the effects:
// the kernel tells of files that are put in place, a program leaves a line for each run, a server counts requests.

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assertOnceInLedger, executorDies } from '@deed/drill/faults/executor-dies'
import { ask } from '@deed/drill/harness/ask'
import { checkInvariants } from '@deed/drill/harness/check-invariants'
import { type FaultMesh, faultMesh } from '@deed/drill/harness/fault-mesh'
import { randomFrom } from '@deed/drill/harness/random'
import { rollBack } from '@deed/drill/harness/roll-back'
import { trialOn, tryFault } from '@deed/drill/harness/try-fault'
import { type ServiceProcess, startService } from '@deed/local/service-process'
import { until } from '@deed/process/until'
import { getExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { rollbackExecution } from '@deed/proto/steering'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

let under: FaultMesh

beforeAll(async () => {
  under = await faultMesh()
})
afterAll(() => under?.[Symbol.asyncDispose]())
afterEach(() => checkInvariants(under.database))

describe('an executor that dies and is started again', () => {
  it.each(executorDies)('has done what it was doing once, and proves it: $id, $title', async (fault) => {
    expect(await tryFault(fault, trialOn(under, randomFrom(1), fault.id))).toBe('held')
  })
})

describe('an executor that dies while it undoes', () => {
  it.each(['in_compensate', 'after_effect'])('%s: everything is as it was before', async (point) => {
    const [file, command] = [`undo-file-${point}`, `undo-command-${point}`]
    writeFileSync(join(under.workspace, file), 'old')
    const task = `write "new" to ${file}, then run \`sh count.sh ${command} 0\` and expect the file ${command}.out`
    const { execution_id } = await succeeded(ask(under.client, { task, idempotency_key: file }))
    expect(under.read(file)).toBe('new')
    await under.arm('executor', point)
    await rollBack(under.client, execution_id)
    await under.revive('executor')
    await until(async () => (await statusOf(execution_id)) === 'rolled_back', { what: 'the rollback' })
    expect(under.read(file)).toBe('old')
    expect(existsSync(join(under.workspace, `${command}.runs`))).toBe(false)
    expect(existsSync(join(under.workspace, `${command}.out`))).toBe(false)
    // Rolled back once more, it is as it is.
    await expect(under.client.call(rollbackExecution, { execution_id })).rejects.toMatchObject({
      code: 'already_rolled_back',
    })
  })
})

describe('an executor that is frozen past its lease', () => {
  let second: ServiceProcess | undefined
  afterAll(() => second?.[Symbol.asyncDispose]())

  it('is replaced, its processes are ended, and what it says late changes nothing', async () => {
    const { client, mesh } = under
    const first = mesh.service('executor')
    const name = 'frozen'
    const task = `run \`sh count.sh ${name} 2\` and expect the file ${name}.out`
    const answer = ask(client, { task, idempotency_key: name })
    await until(() => existsSync(join(under.workspace, `${name}.runs`)), { what: 'the run' })
    process.kill(first.pid ?? 0, 'SIGSTOP')
    try {
      second = await startService({
        service: 'executor',
        copy: 1,
        env: mesh.environmentOf('executor'),
        logDir: join(mesh.dataDir, 'logs'),
        supervise: false,
      })
      const { execution_id, verification } = await succeeded(answer)
      expect(verification).toHaveLength(1)
      expect(under.read(`${name}.out`)).toBe('run\n')
      const before = await under.database.query('select * from orchestrator.actual_state order by task_id')
      process.kill(first.pid ?? 0, 'SIGCONT')
      // It finds its time over, and reports so under its old token.
      const ended = (line: string): boolean => line.includes(`:${first.pid}"`) && line.includes('attempt ended')
      await until(() => under.log('executor').split('\n').some(ended), { what: 'the end of the frozen attempt' })
      const after = await under.database.query('select * from orchestrator.actual_state order by task_id')
      expect(after.rows).toEqual(before.rows)
      expect(await statusOf(execution_id)).toBe('done')
      expect(under.read(`${name}.runs`)).toBe('run\n')
      await assertOnceInLedger(under, execution_id)
    } finally {
      if (first.pid !== undefined) process.kill(first.pid, 'SIGCONT')
    }
  })
})

async function succeeded(answer: ReturnType<typeof ask>): ReturnType<typeof ask> {
  const reply = await answer
  expect(reply).toMatchObject({ status: 'done', metrics: { success: true } })
  for (const { outcome } of reply.verification) expect(outcome).toBe('verified')
  return reply
}

const statusOf = async (execution_id: ExecutionId): Promise<string> =>
  (await under.client.call(getExecution, { execution_id })).status

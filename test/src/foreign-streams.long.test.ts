// A stream of somebody else's that catches what clients ask, and what services ask each other.
import { startDeed } from '@deed/drill/harness/deed-process'
import { meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { requestExecution } from '@deed/proto/execution'
import { expect, it } from 'vitest'
import { plainClient } from './plain-client.ts'

it('a stream over the subjects of requests answers nobody in the place of Deed, and the doctor names it', async () => {
  await using under = await meshUnderTest()
  const { mesh, client } = under
  const caught = { name: 'AUDITALL', subjects: ['execution.request', 'execution.request.>'], max_bytes: 1_000_000 }
  await using caller = await plainClient(mesh.connectionAs('client'))
  await expect(caller.nc.jetstreamManager().then(({ streams }) => streams.add(caught))).rejects.toThrow()

  // Only the operator may add streams.
  await using operator = await plainClient(mesh.connectionAs('bootstrap'), '_INBOX_bootstrap')
  const { streams } = await operator.nc.jetstreamManager()
  await streams.add(caught)
  const inside = ['cache.>', 'template.>', 'agent.>', 'action.>', 'task.>']
  await streams.add({ name: 'SPY', subjects: inside, max_bytes: 1_000_000 })
  for (let count = 0; count < 10; count++) {
    const reply = await client.call(requestExecution, { task: `write "${count}" to caught-${count}.txt` })
    expect(reply).toMatchObject({ status: 'done', metrics: { success: true } })
  }
  for (const name of ['AUDITALL', 'SPY']) expect((await streams.info(name)).state.messages).toBeGreaterThanOrEqual(10)
  const { stdout } = await startDeed(mesh.dataDir, ['doctor']).ended
  expect(stdout).toContain('stream AUDITALL also takes execution.request')
  expect(stdout).toContain('stream SPY also takes')
}, 180_000)

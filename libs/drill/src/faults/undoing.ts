/** The executor dies while it undoes: the undo continues where it was, and ends where everything had begun. */

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@deed/process/until'
import { getExecution } from '@deed/proto/execution'
import { rollbackExecution } from '@deed/proto/steering'
import { ask } from '../harness/ask.ts'
import type { Fault } from '../harness/fault.ts'
import { rollBack } from '../harness/roll-back.ts'
import { treeOf } from '../harness/tree-of.ts'

const POINTS = ['after_intent', 'in_compensate', 'mid_compensate', 'after_effect', 'after_outcome']

export const undoing: Fault = {
  id: 'F34',
  title: 'executor dies at each step of an undo',
  async run({ mesh, name }) {
    for (const point of POINTS) {
      const key = name(`undo-${point}`)
      const folder = join(mesh.workspace, key)
      mkdirSync(folder)
      writeFileSync(join(folder, 'file'), 'old')
      const before = treeOf(folder)
      const write = `write "new" to ${key}/file`
      const command = `run \`sh count.sh ${key}/ran 0\` and expect the file ${key}/ran.out`
      const { execution_id, status } = await ask(mesh.client, {
        task: `${write}, then ${command}`,
        idempotency_key: key,
      })
      assert.equal(status, 'done')
      assert.ok(existsSync(join(folder, 'ran.out')))
      await mesh.arm('executor', point)
      await rollBack(mesh.client, execution_id)
      await mesh.revive('executor')
      await until(async () => (await mesh.client.call(getExecution, { execution_id })).status === 'rolled_back', {
        what: `the rollback after dying at ${point}`,
      })
      assert.equal(treeOf(folder), before, 'the folder is not as it was')
      await assert.rejects(mesh.client.call(rollbackExecution, { execution_id }), { code: 'already_rolled_back' })
      assert.equal(treeOf(folder), before, 'a second rollback has changed the folder')
    }
  },
}

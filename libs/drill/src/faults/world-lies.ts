/** What Deed acts upon fails, lies, or says nothing; and what an action runs takes all there is. */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask } from '../harness/ask.ts'
import { askFor, assertDoneOnce, requestEffect } from '../harness/effects.ts'
import type { Fault } from '../harness/fault.ts'

const GIGABYTE = 1024 ** 3
/** A command may have 2 GB. */
const FREE_BYTES_MIN = 5 * GIGABYTE

export const worldLies: readonly Fault[] = [
  {
    id: 'F32',
    title: 'a command takes all memory',
    needs: ({ root, freeBytes }) =>
      !root
        ? 'memory is limited only where control groups may be made'
        : freeBytes < FREE_BYTES_MIN
          ? 'less than 5 GB of memory are free'
          : undefined,
    async run({ mesh, name }) {
      const key = name('hungry')
      writeFileSync(join(mesh.workspace, 'hungry.sh'), `echo begun > ${key}.begun\ntail /dev/zero\necho > ${key}.out\n`)
      const task = `run \`sh hungry.sh\` and expect the file ${key}.out`
      const { status, error } = await ask(mesh.client, { task, idempotency_key: key })
      assert.notEqual(status, 'done')
      assert.match(JSON.stringify(error), /memory/, `the failure does not name memory: ${error?.message}`)
      assert.equal(existsSync(join(mesh.workspace, `${key}.begun`)), false, 'what it had written was not taken back')
    },
  },
  {
    id: 'F35',
    title: 'looking is flaky, is never answered, or shows that nothing was done',
    async run({ mesh, name }) {
      const flaky = requestEffect(mesh, name('flaky-look'))
      await assertDoneOnce(flaky, await askFor(mesh, flaky))
      for (const sort of ['mute-look', 'lying-look']) {
        const effect = requestEffect(mesh, name(sort))
        const { status, metrics } = await askFor(mesh, effect)
        assert.notEqual(status, 'done', `${effect.name} is done, and nobody has seen it`)
        assert.equal(metrics.success, false)
        assert.ok(effect.count() <= 1, `${effect.name} happened ${effect.count()} times`)
      }
    },
  },
  {
    id: 'F43',
    title: 'a server acts, and the line is cut before it has answered',
    async run({ mesh, name }) {
      const effect = requestEffect(mesh, name('late-answer'))
      await assertDoneOnce(effect, await askFor(mesh, effect))
    },
  },
]

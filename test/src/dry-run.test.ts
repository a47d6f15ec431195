import { readdirSync } from 'node:fs'
import { countRowsAtRest } from '@deed/drill/harness/count-rows'
import { SealedStep } from '@deed/proto/approval'
import { requestExecution } from '@deed/proto/execution'
import { cancelExecution } from '@deed/proto/steering'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { detailOf, endOf } from './follow.ts'
import { begin, deedOf, type MeshOfTwo, meshOfTwo, SAMPLES } from './mesh-of-two.ts'

let under: MeshOfTwo
beforeAll(async () => {
  under = await meshOfTwo()
})
afterAll(() => under[Symbol.asyncDispose]())

describe('a dry run', () => {
  /** Anchors and alerts of earlier work arrive by themselves. */
  const traces = async () => {
    const {
      'orchestrator.audit_anchors': _anchors,
      'orchestrator.alerts': _alerts,
      ...rows
    } = await countRowsAtRest(under.database)
    return { rows, files: readdirSync(under.workspace, { recursive: true }).sort() }
  }

  it.each(Object.entries(SAMPLES))('shows sample %s, and leaves nothing', async (name, { kind, undo }) => {
    const before = await traces()
    const { result } = await under.client.call(requestExecution, { task: `show sample ${name}`, dry_run: true })
    const { actions = [] } = (result?.data ?? {}) as { actions?: unknown[] }
    const step = SealedStep.parse(actions[0])
    expect(step.action.kind).toBe(kind)
    expect(step.reversibility).toBe(undo)
    if (undo !== null) expect(step.observes).not.toBeNull()
    expect(await traces()).toEqual(before)
  })

  it('says the levels that the real run then asks for', async () => {
    const tasks = ['write "1" to dry-new.txt', 'write "2" to dry-new.txt, then write "3" to dry-other.txt']
    const wanted = [[0], [1, 0]]
    for (const [index, task] of tasks.entries()) {
      const { result } = await under.client.call(requestExecution, { task, dry_run: true })
      const { actions = [] } = (result?.data ?? {}) as { actions?: unknown[] }
      expect(actions.map((step) => SealedStep.parse(step).level)).toEqual(wanted[index])
      const id = await begin(under, task)
      const levels = async () =>
        (await detailOf(under, id)).tasks.flatMap(({ action, level }) => (action ? [level] : []))
      await expect.poll(levels).toEqual(wanted[index])
      if (index === 0) await endOf(under, id)
      else await under.client.call(cancelExecution, { execution_id: id })
    }
  })

  it('is shown as a plan that is to be agreed to', async () => {
    const { code, stdout } = await deedOf(under, 'run', '--dry-run', 'show sample ten')
    expect(code).toBe(0)
    expect(stdout).toMatch(/steps {5}1 step;.* no way back from step 1 on/)
    expect(stdout).toMatch(/kind: http\.request[\s\S]+ {5}proven by: .+\n {5}undo: CANNOT BE UNDONE/)
  })
})

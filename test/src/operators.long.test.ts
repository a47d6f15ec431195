// What operators do with what runs and with what is done, as they do it: the command, on a whole mesh.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ended, startDeed } from '@deed/drill/harness/deed-process'
import { type FaultMesh, faultMesh } from '@deed/drill/harness/fault-mesh'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { type ExecutionReply, getExecution, requestExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import type { ExecutionStatus } from '@deed/proto/states'
import { cancelExecution, rollbackExecution, steerExecutions, type UndoStep } from '@deed/proto/steering'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'

const opened = new AsyncDisposableStack()
let under: FaultMesh

beforeAll(async () => {
  under = opened.use(await faultMesh())
})
afterAll(() => opened.disposeAsync())

const run = (args: string[]): Promise<Ended> => startDeed(under.mesh.dataDir, args).ended

async function json<Document>(...args: string[]): Promise<{ code: number | null; document: Document }> {
  const { code, stdout } = await run([...args, '--json'])
  return { code, document: JSON.parse(stdout) as Document }
}

const perform = (task: string): Promise<ExecutionReply> => under.client.call(requestExecution, { task })
const current = (id: ExecutionId) => under.client.call(getExecution, { execution_id: id })
const becomes = (id: ExecutionId, status: ExecutionStatus) =>
  until(async () => (await current(id)).status === status, { what: `the execution to be ${status}` })
const there = (path: string): boolean => existsSync(join(under.workspace, path))

describe('deed rollback', () => {
  const steps = async (...args: string[]): Promise<{ code: number | null; steps: UndoStep[] }> => {
    const { code, document } = await json<{ steps: UndoStep[] }>('rollback', '--dry-run', ...args)
    return { code, steps: document.steps }
  }

  it('shows what would be undone, newest first, and undoes nothing in a dry run', async () => {
    const { execution_id: id } = await perform('write "1" to dry-1.txt, then write "2" to dry-2.txt')
    const plan = await steps(id)
    expect(plan).toMatchObject({
      code: 0,
      steps: [
        { title: 'write dry-2.txt', kind: 'file.write', outlook: 'undo', reversibility: 'reversible' },
        { title: 'write dry-1.txt', outlook: 'undo' },
      ],
    })
    expect((await steps('--last')).steps).toEqual(plan.steps)
    expect(there('dry-1.txt') && there('dry-2.txt')).toBe(true)
  })

  it('undoes one action where none rests on it, and those too that do when that is asked for', async () => {
    const { execution_id: id } = await perform('write "1" to one-1.txt, then write "2" to one-2.txt')
    const [second, first] = (await steps(id)).steps as [UndoStep, UndoStep]
    const refused = await json('rollback', first.task_id)
    expect(refused).toMatchObject({ code: 2, document: { error: { code: 'not_undoable' } } })
    expect(there('one-1.txt') && there('one-2.txt')).toBe(true)
    expect(await json('rollback', second.action_id)).toMatchObject({ code: 0, document: { status: 'done' } })
    expect(there('one-1.txt')).toBe(true)
    expect(there('one-2.txt')).toBe(false)
    const again = await json('rollback', second.action_id)
    expect(again).toMatchObject({ code: 2, document: { error: { code: 'already_rolled_back' } } })

    const { execution_id: other } = await perform('write "1" to two-1.txt, then write "2" to two-2.txt')
    const { task_id: whole } = (await steps(other)).steps[1] as UndoStep
    const both = await json('rollback', whole, '--with-dependents')
    expect(both).toMatchObject({ code: 0, document: { status: 'rolled_back' } })
    expect(there('two-1.txt') || there('two-2.txt')).toBe(false)
  })

  it('refuses what is undone already, what is not there, and what cannot be undone, naming it', async () => {
    const { execution_id: id } = await perform('write "x" to twice.txt')
    expect(await json('rollback', id)).toMatchObject({ code: 0, document: { status: 'rolled_back' } })
    expect(await json('rollback', id)).toMatchObject({ code: 2, document: { error: { code: 'already_rolled_back' } } })
    const nobodys = '01997d0e-0000-7000-8000-000000000001'
    expect(await json('rollback', nobodys)).toMatchObject({ code: 2, document: { error: { code: 'not_found' } } })
    await expect(
      under.client.call(rollbackExecution, { execution_id: id }, { principal: { tenant: 'other', user: 'somebody' } }),
    ).rejects.toMatchObject({ code: 'not_found' })
    const performed = await perform('tell the witness "for-good"')
    expect(performed.status).toBe('done')
    expect(await steps(performed.execution_id)).toMatchObject({
      code: 1,
      steps: [{ outlook: 'cannot', reversibility: 'irreversible' }],
    })
    expect(await json('rollback', performed.execution_id)).toMatchObject({
      code: 2,
      document: { error: { code: 'irreversible', details: { actions: ['tell the witness for-good'] } } },
    })
  })

  it('leaves what somebody has changed since as it is', async () => {
    const { execution_id: id } = await perform('write "ours" to theirs.txt')
    writeFileSync(join(under.workspace, 'theirs.txt'), 'theirs')
    const refused = await json('rollback', id)
    expect(refused).toMatchObject({ code: 2, document: { error: { code: 'undo_conflict' } } })
    expect(under.read('theirs.txt')).toBe('theirs')
  })
})

describe('a verb', () => {
  /** A command that runs until it may end, between two files; told once it runs. */
  const begin = async (name: string): Promise<ExecutionId> => {
    const script = 'touch "$1.runs"\nuntil [ -e "$1.go" ]; do sleep 0.1; done\ntouch "$1.out"\n'
    writeFileSync(join(under.workspace, 'held.sh'), script)
    const task = `write "1" to ${name}-1.txt, then run \`sh held.sh ${name}\` and expect the file ${name}.out, then write "2" to ${name}-2.txt`
    const { execution_id: id } = await under.client.call(requestExecution, { task, mode: 'background' })
    await until(() => there(`${name}.runs`), { what: 'the command' })
    return id
  }

  it('ends when its work has: nothing runs of what is paused, what is resumed is done', async () => {
    const id = await begin('held')
    const pausing = json('pause', id)
    await becomes(id, 'paused')
    writeFileSync(join(under.workspace, 'held.go'), '')
    expect(await pausing).toMatchObject({ code: 0, document: { status: 'paused' } })
    expect([there('held.out'), there('held-2.txt')]).toEqual([true, false])
    expect(await json('resume', id)).toMatchObject({ code: 0, document: { status: 'done' } })
    expect(there('held-2.txt')).toBe(true)
  })

  it('is waited for no longer after Ctrl+C, and continues; cancelled with --undo, all is undone at the end', async () => {
    const id = await begin('long')
    const pausing = startDeed(under.mesh.dataDir, ['pause', id])
    await becomes(id, 'paused')
    pausing.child.kill('SIGINT')
    expect(await pausing.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('It continues') })
    expect(await json('resume', id, '--no-wait')).toEqual({
      code: 0,
      document: { execution_id: id, status: 'running' },
    })
    expect(await json('cancel', id, '--undo')).toMatchObject({ code: 0, document: { status: 'cancelled' } })
    expect([there('long-1.txt'), there('long.out'), there('long-2.txt')]).toEqual([false, false, false])
    expect(await json('retry', id, '--timeout', '0.5')).toMatchObject({ code: 1, document: { status: 'running' } })
    expect(await json('cancel', id, '--undo')).toMatchObject({ code: 0, document: { status: 'cancelled' } })
  })
})

describe('deed retry', () => {
  it('approves with --yes what is asked for again, and without it ends where it waits for somebody', async () => {
    const { execution_id: id } = await under.client.call(requestExecution, {
      task: 'tell the guarded witness "again"',
      mode: 'background',
    })
    await becomes(id, 'waiting')
    await run(['cancel', id])
    expect(await json('retry', id)).toMatchObject({ code: 1, document: { status: 'waiting' } })
    await run(['cancel', id])
    expect(await json('retry', id, '--yes')).toMatchObject({ code: 0, document: { status: 'done' } })
    const { approvals } = await under.client.call(listApprovals, { execution_id: id, status: 'used' })
    expect(approvals).toMatchObject([{ level: 1, reason: 'deed retry --yes' }])
  })
})

describe('a verb for many', () => {
  interface Results {
    results: { execution_id: string; status?: string; error?: { code: string } }[]
  }
  /** Tells a target of its own, once somebody has agreed. */
  const waiting = async (name: string): Promise<string> => {
    const task = `tell the guarded witness "${name}"`
    return (await under.client.call(requestExecution, { task, mode: 'background' })).execution_id
  }

  it('has a result for each, and an exit code that says whether all went well', async () => {
    const ids = await Promise.all(['many-1', 'many-2'].map(waiting))
    const { execution_id: done } = await perform('write "x" to many.txt')
    const paused = await json<Results>('pause', ...ids, done)
    expect(paused).toMatchObject({
      code: 1,
      document: {
        results: [...ids.map((id) => ({ execution_id: id, status: 'paused' })), { error: { code: 'not_pausable' } }],
      },
    })
    const resumed = await json<Results>('resume', '--target', 'guarded', '--no-wait')
    expect(resumed.code).toBe(0)
    expect(resumed.document.results.map(({ execution_id: id }) => id).sort()).toEqual([...ids].sort())
    const shown = await json<Results>('cancel', '--all', '--dry-run')
    expect(shown.document.results.map(({ execution_id: id }) => id)).toEqual(expect.arrayContaining(ids))
    const cancelled = await json<Results>('cancel', '--all')
    expect(cancelled.code).toBe(0)
    for (const { status } of cancelled.document.results) expect(status).toBe('cancelled')
    expect((await json('pause')).code).toBe(2)
  })

  it('is a request too, by target and by template, with what came of each', async () => {
    const steer = (input: z.input<typeof steerExecutions.input>) => under.client.call(steerExecutions, input)
    const given = (await Promise.all(['again-1', 'again-2'].map(waiting))) as ExecutionId[]
    for (const id of given) await becomes(id, 'waiting')
    const cancelled = await steer({ verb: 'cancel', target: 'guarded' })
    expect(cancelled.results).toEqual(
      expect.arrayContaining(given.map((id) => ({ execution_id: id, status: 'cancelled' }))),
    )
    // Nobody had agreed, so that somebody is asked again.
    const asked = await steer({ verb: 'retry', target: 'guarded' })
    for (const id of given) {
      const found = asked.results.find(({ execution_id: one }) => one === id)
      expect(found).toMatchObject({ status: 'waiting' })
      await under.client.call(cancelExecution, { execution_id: id })
    }

    const { execution_id: generated } = await under.client.call(requestExecution, {
      task: 'Create a NATS consumer for processing user events',
      ...{ language: 'elixir', context: { target_file: 'lib/bulk.ex' }, mode: 'background' },
    })
    await becomes(generated, 'waiting')
    const { template_used: template } = await current(generated)
    expect(template).not.toBeNull()
    expect(await steer({ verb: 'cancel', template: template ?? '' })).toMatchObject({
      results: [{ execution_id: generated, status: 'cancelled' }],
    })

    const { execution_id: kept } = await perform('write "x" to bulk-kept.txt')
    const { execution_id: gone } = await perform('write "x" to bulk-gone.txt')
    await run(['rollback', gone])
    const performed = await perform('tell the witness "bulk"')
    const shown = await steer({ verb: 'rollback', all: true, dry_run: true, limit: 500 })
    const ids = shown.results.map(({ execution_id: id }) => id)
    expect(ids).toContain(kept)
    expect(ids).not.toContain(gone)
    expect(there('bulk-kept.txt')).toBe(true)
    const undone = await steer({ verb: 'rollback', execution_ids: [performed.execution_id, gone, kept] })
    expect(undone).toMatchObject({
      results: [
        { execution_id: performed.execution_id, error: { code: 'irreversible' } },
        { execution_id: gone, error: { code: 'already_rolled_back' } },
        { execution_id: kept, status: 'undoing' },
      ],
      next_cursor: null,
    })
    await until(() => !there('bulk-kept.txt'), { what: 'the file to be gone' })
    const again = await steer({ verb: 'retry', execution_ids: [gone, performed.execution_id] })
    expect(again.results).toMatchObject([
      { execution_id: gone, status: 'running' },
      { execution_id: performed.execution_id, error: { code: 'not_retryable' } },
    ])
    await until(() => there('bulk-gone.txt'), { what: 'the file to be there again' })
    await expect(steer({ verb: 'retry' })).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

describe('a rollback of many', () => {
  it('takes the newest back first, so that each finds what it left', async () => {
    const first = await perform('write "first" to layered.txt')
    const second = await perform('write "second" to layered.txt')
    const { code, document } = await json<object>('rollback', first.execution_id, second.execution_id)
    expect(code).toBe(0)
    expect(document).toEqual({
      results: [second, first].map(({ execution_id }) => ({ execution_id, status: 'rolled_back' })),
    })
    expect(there('layered.txt')).toBe(false)
  })
})

describe('deed watch', () => {
  it('without an id shows those of all, once each, what happened while NATS was away too', async () => {
    using watching = startDeed(under.mesh.dataDir, ['watch', '--json'])
    const seen = (): { execution_id: string; seq: number; type: string }[] =>
      watching
        .output()
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line))
    const ended = (id: string) => seen().some((event) => event.execution_id === id && event.type === 'execution.ended')
    // Until it listens there is nothing to tell by that it does.
    await until(async () => ended((await perform('write "x" to seen.txt')).execution_id), { what: 'the first event' })

    const task = 'run `sh count.sh away 1` and expect the file away.out'
    const { execution_id: away } = await under.client.call(requestExecution, { task, mode: 'background' })
    await until(() => there('away.runs'), { what: 'the command' })
    await under.mesh.nats?.kill()
    await until(() => there('away.out'), { what: 'the end of the command' })
    await under.mesh.nats?.start()
    await until(() => ended(away), { what: 'the end of what ran meanwhile' })
    const { execution_id: after } = await perform('write "x" to after.txt')
    await until(() => ended(after), { what: 'what happened afterwards' })
    watching.child.kill('SIGINT')
    await watching.ended
    for (const id of [away, after]) {
      const numbers = seen().flatMap(({ execution_id: of, seq }) => (of === id ? [seq] : []))
      expect(numbers).toEqual(numbers.map((_, index) => index + 1))
    }
  })

  it('shows every transition once, through a restart of NATS, and ends as the execution does', async () => {
    const task = 'tell the guarded witness "watched"'
    const { execution_id: id } = await under.client.call(requestExecution, { task, mode: 'background' })
    using watching = startDeed(under.mesh.dataDir, ['watch', id, '--json'])
    await until(() => watching.output().includes('approval.requested'), { what: 'the first events' })
    await under.mesh.nats?.kill()
    await under.mesh.nats?.start()
    const approval = await until(
      async () => (await under.client.call(listApprovals, { execution_id: id, status: 'pending' })).approvals[0],
      { what: 'an approval' },
    )
    await under.client.call(decideApproval, { approval_id: approval.approval_id, decision: 'approve' })
    const { code, stdout } = await watching.ended
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq: number; type: string })
    expect(code).toBe(0)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
    expect(events.at(-1)).toMatchObject({ type: 'execution.ended', status: 'done' })
  })
})

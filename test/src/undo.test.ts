// Undoing and proving, from outside of a whole mesh: what a person has changed in between, programs beside each other,
// and claims that nothing in the world bears out.

import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask } from '@deed/drill/harness/ask'
import { startDeed } from '@deed/drill/harness/deed-process'
import { type FaultMesh, faultMesh } from '@deed/drill/harness/fault-mesh'
import { rollBack } from '@deed/drill/harness/roll-back'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { connectBus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { type ExecutionDetail, getExecution, requestExecution } from '@deed/proto/execution'
import type { ExecutionId, Principal } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import { compensateProvided, executeProvided, observeProvided, provided } from '@deed/proto/provider'
import { rollbackExecution } from '@deed/proto/steering'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const RULES = `pack: proofs
version: 1
description: What is looked at afterwards
world: { targets: { witness: { type: http, url: http://127.0.0.1:1 } } }
rules:
  - name: note
    match: note {name:quoted}
    actions:
      - title: note {{name}}
        kind: file.write
        input: { path: "{{name}}", content: noted }
        verify:
          kind: all
          of:
            - kind: any
              of: [{ kind: file, path: none }, { kind: file, path: "{{name}}", contains: noted }]
            - { kind: not, of: [{ kind: file, path: "{{name}}.lock" }] }
    tests: [{ say: note "this" }]
  - name: probe
    match: put {content:quoted} in {name:quoted} and probe {probe:quoted}
    actions:
      - title: put {{content}} in {{name}}
        kind: file.write
        input: { path: "{{name}}", content: "{{content}}" }
        verify: { kind: http, target: witness, path: "/effects/{{probe}}" }
    tests: [{ say: put "this" in "that" and probe "it" }]
`
const MARKS = `pack: marks
version: 1
description: A kind that another program provides
rules:
  - name: mark
    match: mark four times as {name:word}
    actions:
      - { title: mark 1, kind: mark.make, input: { name: "{{name}}-1" } }
      - { title: mark 2, kind: mark.make, input: { name: "{{name}}-2" } }
      - { title: mark 3, kind: mark.make, input: { name: "{{name}}-3" } }
      - { title: mark 4, kind: mark.make, input: { name: "{{name}}-4" } }
    tests: [{ say: mark four times as x }]
`
const opened = new AsyncDisposableStack()
let under: FaultMesh

beforeAll(async () => {
  const rules = join(opened.use(temporaryFolder()).path, 'rules')
  mkdirSync(rules)
  writeFileSync(join(rules, 'proofs.yaml'), RULES)
  writeFileSync(join(rules, 'marks.yaml'), MARKS)
  under = opened.use(await faultMesh({ env: { RULES_DIR: rules } }))
}, 60_000)
afterAll(() => opened.disposeAsync())

const file = (name: string): string => join(under.workspace, name)
const detail = (execution_id: ExecutionId) => under.client.call(getExecution, { execution_id })
const becomes = (id: ExecutionId, status: string) =>
  until(async () => (await detail(id)).status === status, { what: `${id} to be ${status}` })
const reviewsOf = async (execution_id: ExecutionId) =>
  (await under.client.call(listApprovals, { execution_id, status: 'pending' })).tasks

describe('an undo that finds what a person has changed', () => {
  it('keeps both, says where the old one is, and asks once; tried again when the person says so, it is done', async () => {
    writeFileSync(file('kept.txt'), 'old')
    // Of several actions a later one may have changed it, so the undo begins and finds out.
    const task = 'write "new" to kept.txt, then write "new" to beside.txt'
    const { execution_id: id } = await ask(under.client, { task, idempotency_key: 'kept' })
    writeFileSync(file('kept.txt'), 'theirs')
    await rollBack(under.client, id)
    await becomes(id, 'rollback_failed')
    expect(under.read('kept.txt')).toBe('theirs')
    const { tasks } = await detail(id)
    const error = tasks.find(({ error }) => error?.code === 'undo_conflict')?.error
    expect(error).toMatchObject({ code: 'undo_conflict' })
    const [kept] = (error?.details?.kept ?? []) as { path: string; file: string }[]
    expect(kept?.path).toBe('kept.txt')
    expect(readFileSync(kept?.file ?? '', 'utf8')).toBe('old')
    const reviews = await reviewsOf(id)
    expect(reviews).toMatchObject([{ kind: 'review', decisions: expect.arrayContaining(['retry']) }])

    writeFileSync(file('kept.txt'), 'new')
    const approval_id = reviews[0]!.approval_id
    await under.client.call(decideApproval, { approval_id, decision: 'retry', reason: 'put back' })
    await becomes(id, 'rolled_back')
    expect(under.read('kept.txt')).toBe('old')
    expect(await reviewsOf(id)).toEqual([])
  })

  it('is refused before it begins where somebody asks for it', async () => {
    const { execution_id: id } = await ask(under.client, {
      task: 'write "ours" to refused.txt',
      idempotency_key: 'refused',
    })
    writeFileSync(file('refused.txt'), 'theirs')
    await expect(under.client.call(rollbackExecution, { execution_id: id })).rejects.toMatchObject({
      code: 'undo_conflict',
      message: expect.stringContaining('refused.txt'),
    })
    expect(await detail(id)).toMatchObject({ status: 'done' })
    expect(under.read('refused.txt')).toBe('theirs')
  })
})

/** The kind `mark.make`, by a program of its own: a file that is only ever appended to says what was done and undone. */
async function startMarking(file: string): Promise<Marking> {
  const { nats_url, nats_user = '', nats_password = '' } = under.mesh.connectionAs('provider')
  const bus = await connectBus({ service: 'provider', url: nats_url, user: nats_user, password: nats_password })
  writeFileSync(file, '')
  const lines = () => readFileSync(file, 'utf8').split('\n').slice(0, -1)
  const stands = (name: unknown) => {
    const of = lines().filter((line) => line.endsWith(` ${name}`))
    return of.at(-1)?.startsWith('made') === true
  }
  bus.serve(provided(observeProvided, 'mark.make'), async ({ input: { name }, stored }) => {
    const is = stands(name)
    return {
      effect: 'change' as const,
      reversibility: 'reversible' as const,
      idempotent: false,
      summary: `mark ${name}`,
      provider: 'marks 1',
      state: is ? 'marked' : 'unmarked',
      outcome: is ? ('verified' as const) : ('failed' as const),
      observed: `${name} is ${is ? '' : 'not '}marked`,
      known: {},
      at: stored === undefined ? ('unknown' as const) : is ? ('after' as const) : ('before' as const),
    }
  })
  bus.serve(provided(executeProvided, 'mark.make'), async ({ input: { name } }) => {
    appendFileSync(file, `made ${name}\n`)
    return { claimed: `marked ${name}`, result: { text: `marked ${name}` } }
  })
  bus.serve(provided(compensateProvided, 'mark.make'), async ({ input: { name } }) => {
    appendFileSync(file, `undone ${name}\n`)
    return { claimed: `unmarked ${name}` }
  })
  return {
    lines,
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  }
}

interface Marking extends AsyncDisposable {
  /** What was done, oldest first. */
  lines(): string[]
}

/** Has it done, with a person's agreement to each step. */
async function agreedTo(task: string): Promise<ExecutionId> {
  const { execution_id: id } = await under.client.call(requestExecution, { task, mode: 'background' })
  if (id === undefined) throw new Error('it was not accepted')
  const approver = { principal: { tenant: 'local', user: 'approver' } }
  await until(async () => {
    const { status, approval_id } = await detail(id)
    if (approval_id !== undefined && status === 'waiting')
      await under.client.call(decideApproval, { approval_id, decision: 'approve' }, approver).catch(() => undefined)
    return status === 'done'
  })
  return id
}

describe('an undo whose executor is killed in the middle', () => {
  it('undoes each effect once, the newest first', async () => {
    using folder = temporaryFolder()
    await using marking = await startMarking(join(folder.path, 'marks'))
    const made = ['1', '2', '3', '4']
    for (const point of ['in_compensate', 'after_effect', 'after_outcome']) {
      const key = point.replace('_', '')
      const id = await agreedTo(`mark four times as ${key}`)
      await under.arm('executor', `${point}:2`)
      await rollBack(under.client, id)
      await under.revive('executor')
      await becomes(id, 'rolled_back')
      expect(marking.lines().filter((line) => line.includes(` ${key}-`))).toEqual([
        ...made.map((number) => `made ${key}-${number}`),
        ...made.toReversed().map((number) => `undone ${key}-${number}`),
      ])
    }
  }, 90_000)
})

describe('a probe', () => {
  const put = (name: string, probe: string, key: string) =>
    ask(under.client, { task: `put "it" in "${name}" and probe "${probe}"`, idempotency_key: key })

  it('is requested again by each execution: one that acts is never answered from what is remembered', async () => {
    await fetch(`${under.requests.url}/effects/known`, { method: 'POST' })
    for (const key of ['probe-1', 'probe-2', 'probe-3']) {
      const before = under.requests.readsOf('known')
      rmSync(file('probed'), { force: true })
      expect(await put('probed', 'known', key)).toMatchObject({
        status: 'done',
        verification: [{ kind: 'observed', outcome: 'verified' }],
      })
      expect(under.read('probed')).toBe('it')
      expect(under.requests.readsOf('known')).toBeGreaterThan(before)
    }
  })

  it('that never shows it is asked again, and then what was done is taken back', async () => {
    expect(await put('unproven', 'nobody-did', 'unproven')).toMatchObject({
      status: 'rolled_back',
      error: { code: 'verification_failed' },
    })
    // Once, and as often again as `retry_attempts` says.
    expect(under.requests.readsOf('nobody-did')).toBe(3)
    expect(existsSync(file('unproven'))).toBe(false)
  })
})

describe('two programs in one workspace', () => {
  it('run one after the other: each is undone with what it did, and nothing of the other', async () => {
    const run = (name: string) =>
      ask(under.client, {
        task: `run \`sh count.sh ${name} 0.5\` and expect the file ${name}.out`,
        idempotency_key: `beside-${name}`,
      })
    const [one, two] = await Promise.all([run('one'), run('two')])
    for (const { status, verification } of [one, two]) {
      expect(status).toBe('done')
      expect(verification[0]?.facts?.changed_paths).toBe(2)
    }
    await rollBack(under.client, one.execution_id as ExecutionId)
    await becomes(one.execution_id as ExecutionId, 'rolled_back')
    expect(['one.runs', 'one.out', 'two.runs', 'two.out'].map((name) => existsSync(file(name)))).toEqual([
      ...[false, false],
      ...[true, true],
    ])
  })
})

/** Says when it begins and when it ends, and takes its time in between. */
const TURN = `echo "begin $1" >> turns\nsleep 0.3\necho "end $1" >> turns\n`
const OTHERS: Principal = { tenant: 'other', user: 'somebody' }
const OURS: Principal = { tenant: 'local', user: 'deed' }

interface OneTask {
  id: string
  concurrency_key?: string
  action: { kind: string; input: JsonObject; workspace?: string }
}

async function begin(task: OneTask, principal: Principal): Promise<ExecutionId> {
  const manifest = { name: 'keys', tasks: [task] }
  const { execution_id } = await under.client.call(requestExecution, { manifest, mode: 'background' }, { principal })
  if (execution_id === undefined) throw new Error('it was not accepted')
  return execution_id
}

async function doneIn(execution_id: ExecutionId, principal: Principal): Promise<ExecutionDetail['tasks'][number]> {
  const { tasks } = await until(
    async () => {
      const now = await under.client.call(getExecution, { execution_id }, { principal })
      return now.status === 'done' && now
    },
    { what: `${execution_id} to be done` },
  )
  return tasks[0]!
}

describe('programs in one workspace', () => {
  it('take turns, whatever keys their manifests give them, and whichever tenants they are of', async () => {
    writeFileSync(file('turn.sh'), TURN)
    const turn = (name: string, more: Partial<OneTask> = {}): OneTask => ({
      id: name,
      action: { kind: 'command.run', input: { argv: ['sh', 'turn.sh', name] } },
      ...more,
    })
    const begun = await Promise.all([
      begin(turn('one', { concurrency_key: 'first' }), OURS),
      begin(turn('two', { concurrency_key: 'second' }), OURS),
      begin(turn('three'), OTHERS),
    ])
    await Promise.all([doneIn(begun[0], OURS), doneIn(begun[1], OURS), doneIn(begun[2], OTHERS)])
    const lines = under.read('turns').split('\n').slice(0, -1)
    const names = lines.filter((_, index) => index % 2 === 0).map((line) => line.replace('begin ', ''))
    expect(names.toSorted()).toEqual(['one', 'three', 'two'])
    expect(lines).toEqual(names.flatMap((name) => [`begin ${name}`, `end ${name}`]))
  })

  it('take turns where one workspace lies in another', async () => {
    mkdirSync(file('inner'))
    writeFileSync(file('inner/turn.sh'), TURN)
    const turn = (name: string, more: object): OneTask => ({
      id: name,
      action: { kind: 'command.run', input: { argv: ['sh', 'turn.sh', name], ...more } },
    })
    const inside = turn('inside', {})
    const begun = await Promise.all([
      begin(turn('around', { cwd: 'inner' }), OURS),
      begin({ ...inside, action: { ...inside.action, workspace: 'inner' } }, OURS),
    ])
    for (const id of begun) expect((await doneIn(id, OURS)).evidence?.facts?.changed_paths).toBe(1)
    const lines = under.read('inner/turns').split('\n').slice(0, -1)
    const names = [lines[0], lines[2]].map((line) => line?.replace('begin ', ''))
    expect(names.toSorted()).toEqual(['around', 'inside'])
    expect(lines).toEqual(names.flatMap((name) => [`begin ${name}`, `end ${name}`]))
  })
})

describe('the key that a manifest gives a task', () => {
  it('keeps others of the tenant waiting, and nobody of another one', async () => {
    const write = (path: string) => ({
      id: 'write',
      concurrency_key: 'gate',
      action: { kind: 'file.write', input: { path, content: path } },
    })
    const argv = ['sh', '-c', 'until [ -e gate ]; do sleep 0.1; done']
    const holder = { id: 'wait', concurrency_key: 'gate', action: { kind: 'command.run', input: { argv } } }
    const holding = await begin(holder, OURS)
    const running = async () => (await detail(holding)).tasks[0]?.actual_status === 'in_progress'
    await until(running, { what: 'the key to be taken' })
    const waiting = await begin(write('behind'), OURS)
    await doneIn(await begin(write('beside'), OTHERS), OTHERS)
    expect((await detail(waiting)).tasks).toMatchObject([{ actual_status: 'pending' }])
    writeFileSync(file('gate'), '')
    const [held, waited] = [await doneIn(holding, OURS), await doneIn(waiting, OURS)]
    expect(Date.parse(waited.started_at!)).toBeGreaterThanOrEqual(Date.parse(held.finished_at!))
  })
})

describe('what counts as done', () => {
  it('is all of what the action wants to be looked at, any of it, or none', async () => {
    expect(await ask(under.client, { task: 'note "first"', idempotency_key: 'first' })).toMatchObject({
      status: 'done',
      verification: [{ outcome: 'verified', observed: expect.stringContaining('none does not exist') }],
    })
    writeFileSync(file('second.lock'), '')
    expect(await ask(under.client, { task: 'note "second"', idempotency_key: 'second' })).toMatchObject({
      status: 'rolled_back',
      error: { code: 'verification_failed' },
    })
    expect(existsSync(file('second'))).toBe(false)
    rmSync(file('second.lock'))
  })

  it('is not what a program says of itself: the record has both, the answer what was seen', async () => {
    const task = 'run `sh claim.sh lie` and expect the file lie.out'
    const { status, execution_id: id } = await ask(under.client, { task, idempotency_key: 'lie' })
    expect(status).not.toBe('done')
    const { rows } = await under.database.query(
      `select evidence ->> 'claimed' as claimed, evidence ->> 'observed' as observed, outcome
         from executor.actions where execution_id = $1`,
      [id],
    )
    const shown = {
      claimed: 'sh ended with exit code 0',
      observed: 'exit code 0; lie.out does not exist; it printed: wrote lie.out',
      outcome: 'failed',
    }
    expect(rows).toEqual([shown])
    const { stdout } = await startDeed(under.mesh.dataDir, ['show', id]).ended
    expect(stdout).toContain(`it does not hold afterwards: ${shown.observed}`)
    // What the attempt claims is stored with what was seen of it, and so it does of the undo.
    expect(stdout).toMatch(
      /claimed {3}sh ended with exit code 0\n +observed {2}exit code 0; lie.out does not exist; it printed: wrote lie.out\n +evidence {2}failed, [\s\S]*then undone\n +claimed .*it was as before already\n +observed .*each is as it was/,
    )
    const { tasks, verification } = await detail(id)
    const { outcome, ...words } = shown
    expect(tasks.filter(({ evidence }) => evidence?.outcome === 'failed')).toMatchObject([
      { evidence: words, undo_evidence: { outcome: 'verified' } },
    ])
    expect(verification).toMatchObject([{ ...words, outcome }, { outcome: 'verified' }])
  })
})

// Learning by proof: what a model planned is free once it planned the same three times, each verified. On a whole mesh, with
// the command.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { rollBack } from '@deed/drill/harness/roll-back'
import { until } from '@deed/process/until'
import { decideApproval } from '@deed/proto/approval'
import { type ExecutionDetail, getExecution, requestExecution } from '@deed/proto/execution'
import { type LearnedView, listLearned } from '@deed/proto/rules'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FakeAnswer, type FakeOllama, startFakeOllama } from '../fake-ollama/start-fake-ollama.ts'

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let model: FakeOllama
let answer: FakeAnswer

beforeAll(async () => {
  model = opened.use(await startFakeOllama({ answer: () => answer }))
  under = opened.use(await meshUnderTest({ env: { OLLAMA_HOST: model.url } }))
})
afterAll(() => opened.disposeAsync())

const step = (kind: string, input: object) => ({ kind, name: kind.replace('.', '-'), title: `do ${kind}`, input })
const plan = (...actions: object[]): FakeAnswer => ({ json: { actions } })

const LOCAL = { tenant: 'local', user: 'user' }
const learned = async (tenant = 'local'): Promise<LearnedView[]> =>
  (await under.client.call(listLearned, {}, { principal: { ...LOCAL, tenant } })).sentences
const sentence = async (text: string) => (await learned()).find((one) => one.sentence === text)

/** To its end; what waits for a person is decided so. */
async function ended(task: string, decision: 'approve' | 'deny' = 'approve'): Promise<ExecutionDetail> {
  const { execution_id } = await under.client.call(requestExecution, { task, mode: 'background' })
  return until(
    async () => {
      const detail = await under.client.call(getExecution, { execution_id })
      const { approval_id, status } = detail
      if (approval_id !== undefined && status === 'waiting') {
        await under.client.call(decideApproval, { approval_id, decision }).catch(() => undefined)
      }
      return (FINAL_EXECUTION_STATUSES as ReadonlySet<string>).has(status) && detail
    },
    { timeoutMs: 180_000, what: `the end of ${task}` },
  )
}

const readings = ({ tasks }: ExecutionDetail) => tasks.flatMap(({ action }) => action?.reading?.by ?? [])
const deed = (...args: string[]) => startDeed(under.mesh.dataDir, args, { cwd: dirname(under.workspace) }).ended
const bytesOf = (path: string): string => readFileSync(join(under.workspace, path), 'utf8')

describe('a sentence that a model planned and a verification proved', () => {
  const RITUAL = 'perform the evening ritual with {file}'

  it('is a candidate', async () => {
    answer = plan(step('file.write', { path: 'first.txt', content: 'candles' }))
    const first = await ended('Please perform the evening ritual with first.txt')
    expect(first).toMatchObject({ status: 'done', method: 'llm_assisted', task_verified: true })
    expect(await until(() => sentence(RITUAL), { what: 'the lesson' })).toMatchObject({
      source: 'model',
      ...{ stage: 'candidate', proven: 1, failed: 0 },
      rule: null,
      active: true,
      execution_id: first.execution_id,
      learned_by: 'user',
      uses: 0,
    })
  })

  it('is a shadow while the model, which is still asked, plans the same, and trusted after three', async () => {
    const id = (await sentence(RITUAL))!.id
    for (const [path, stage] of [
      ['more.txt', 'shadow'],
      ['most.txt', 'trusted'],
    ] as const) {
      answer = plan(step('file.write', { path, content: 'candles' }))
      expect(await ended(`perform the evening ritual with ${path}`)).toMatchObject({ method: 'llm_assisted' })
      await until(async () => (await sentence(RITUAL))?.stage === stage, { what: stage })
    }
    expect(await sentence(RITUAL)).toMatchObject({ id, proven: 3, failed: 0 })
  })

  it('is free from then on, with another name, shows its reading and needs an approval', async () => {
    answer = { fault: 'error' }
    const calls = model.calls.length
    const second = await ended('perform the evening ritual with second.txt')
    expect(second).toMatchObject({ status: 'done', method: 'autonomous', task_verified: true })
    expect(readings(second)).toEqual(['learned'])
    expect(second.tasks.every(({ action, level }) => action === null || level >= 1)).toBe(true)
    expect(bytesOf('second.txt')).toBe('candles')
    expect(model.calls).toHaveLength(calls)
    await until(async () => ((await sentence(RITUAL))?.uses ?? 0) > 0, { what: 'the use' })
  })

  it('is shown and exported by the command, as a pack that passes its test', async () => {
    const shown = await deed('rules', 'learned')
    expect(shown.stdout).toMatch(
      /ID +STATUS +STAGE +FROM +AGE +USES +SENTENCE\n[0-9a-f]{12} +active +trusted \(3\/3\) +model .*evening ritual/,
    )
    const file = join(dirname(under.workspace), 'learned.yaml')
    expect(await deed('rules', 'export', file)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('1 sentence in'),
    })
    expect(readFileSync(file, 'utf8')).toContain('perform the evening ritual with {file:file}')
    expect(await deed('rules', 'test', file)).toMatchObject({
      code: 0,
      stdout: 'learned.yaml: 1 rule, 1 test\nall tests pass\n',
    })
  })

  it('is not known to another tenant', async () => {
    expect(await learned('other')).toEqual([])
  })

  it('is demoted when its execution is undone: then the model is asked again', async () => {
    const third = await ended('perform the evening ritual with third.txt')
    expect(readings(third)).toEqual(['learned'])
    await rollBack(under.client, third.execution_id)
    await until(async () => !existsSync(join(under.workspace, 'third.txt')), { what: 'the rollback' })
    await until(async () => (await sentence(RITUAL))?.stage === 'demoted', { what: 'that it is demoted' })
    answer = plan(step('file.write', { path: 'fourth.txt', content: 'candles' }))
    expect(await ended('perform the evening ritual with fourth.txt')).toMatchObject({ method: 'llm_assisted' })
    await until(async () => (await sentence(RITUAL))?.proven === 4, { what: 'the fourth proof' })
    expect(await sentence(RITUAL)).toMatchObject({ stage: 'demoted', failed: 1 })
    expect(await deed('rules', 'forget', '--all')).toMatchObject({ code: 0 })
  })
})

describe('a sentence is not learned', () => {
  it('from a plan that failed', async () => {
    answer = plan(step('command.run', { argv: ['false'] }))
    expect(await ended('shuffle the paperwork of the archive')).toMatchObject({
      status: 'rolled_back',
      task_verified: false,
    })
    expect(await learned()).toEqual([])
  })

  it('from a plan that a person denied', async () => {
    answer = plan(step('file.write', { path: 'denied.txt', content: 'x' }))
    expect(await ended('shuffle the paperwork into denied.txt', 'deny')).toMatchObject({ status: 'denied' })
    expect(await learned()).toEqual([])
  })

  it('from a manifest, whose words its author did not mean as a request', async () => {
    const file = join(dirname(under.workspace), 'manifest.yaml')
    writeFileSync(file, 'name: shuffle\ntasks:\n  - { id: one, task: shuffle the paperwork into from-manifest.txt }\n')
    answer = plan(step('file.write', { path: 'from-manifest.txt', content: 'x' }))
    expect(await deed('apply', '-f', file, '--yes')).toMatchObject({ code: 0 })
    expect(bytesOf('from-manifest.txt')).toBe('x')
    expect(await learned()).toEqual([])
  })
})

describe('a learned sentence', () => {
  const PAPERWORK = 'shuffle the paperwork into {file}'

  it('is demoted when a person denies what a model understood it as', async () => {
    answer = plan(step('file.write', { path: 'papers.txt', content: 'shuffled' }))
    expect(await ended('shuffle the paperwork into papers.txt')).toMatchObject({ status: 'done' })
    await until(() => sentence(PAPERWORK), { what: 'the lesson' })
    answer = plan(step('file.write', { path: 'more.txt', content: 'shuffled' }))
    expect(await ended('shuffle the paperwork into more.txt', 'deny')).toMatchObject({ status: 'denied' })
    await until(async () => (await sentence(PAPERWORK))?.stage === 'demoted', { what: 'that it is demoted' })
  })

  it('is forgotten by the command', async () => {
    answer = plan(step('file.write', { path: 'again.txt', content: 'shuffled' }))
    expect(await ended('shuffle the paperwork into again.txt')).toMatchObject({ status: 'done' })
    const one = await until(() => learned().then(([first]) => first), { what: 'the lesson' })
    expect(await deed('rules', 'forget', one.id)).toMatchObject({ code: 0, stdout: 'forgot 1 sentence\n' })
    expect(await deed('rules', 'forget', one.id)).toMatchObject({ code: 1, stdout: 'forgot 0 sentences\n' })
    expect(await deed('rules', 'forget')).toMatchObject({ code: 2 })
    expect(await learned()).toEqual([])
  })
})

// Graphs that a user writes, over NATS alone, on a whole mesh with real files.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { countRowsAtRest } from '@deed/drill/harness/count-rows'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import type { ExecutionDetail } from '@deed/proto/execution'
import { MANIFEST_BUCKET, MANIFEST_PART_BYTES_MAX } from '@deed/proto/manifest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PlainClient, plainClient } from './plain-client.ts'

interface Task {
  id: string
  task?: string
  action?: Record<string, unknown>
  depends_on?: string[]
  [more: string]: unknown
}

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let client: PlainClient

beforeAll(async () => {
  under = opened.use(await meshUnderTest())
  client = opened.use(await plainClient(under.mesh.connectionAs('client')))
})
afterAll(() => opened.disposeAsync())

const write = (path: string, content = path) => ({ kind: 'file.write', input: { path, content } })
const task = (id: string, depends_on: string[] = []): Task => ({ id, action: write(`tasks/${id}`), depends_on })
const at = (...path: string[]): string => join(under.workspace, ...path)
const detailOf = async (id: string): Promise<ExecutionDetail> =>
  (await client.ask('execution.get', { execution_id: id })).body

describe('a manifest', () => {
  it('is done in its order, in words and in actions, each task under its id, and is undone whole', async () => {
    const manifest = {
      name: 'site',
      tasks: [
        { id: 'last', action: write('site/c.txt'), depends_on: ['words', 'first'] },
        { id: 'words', task: 'write "in words" to site/b.txt', depends_on: ['first'] },
        { id: 'first', action: write('site/a.txt'), priority: 'high' },
      ],
    }
    const { body } = await client.ask('execution.request', { manifest })
    expect(body).toMatchObject({ status: 'done', method: 'autonomous', metrics: { success: true } })
    expect(readFileSync(at('site/b.txt'), 'utf8')).toContain('in words')
    expect(readFileSync(at('site/c.txt'), 'utf8')).toBe('site/c.txt')
    const { tasks, request } = await detailOf(body.execution_id)
    expect(request.task).toBe('manifest site')
    const ended = new Map(tasks.map(({ name, finished_at: end }) => [name, Date.parse(end ?? '')]))
    expect([...ended.keys()].sort()).toEqual(['first', 'last', 'words'])
    expect(ended.get('first')).toBeLessThanOrEqual(ended.get('words') ?? 0)
    expect(ended.get('words')).toBeLessThanOrEqual(ended.get('last') ?? 0)
    for (const { evidence } of tasks) expect(evidence).toMatchObject({ outcome: 'verified' })
    await client.ask('execution.rollback', { execution_id: body.execution_id })
    await expect.poll(async () => (await detailOf(body.execution_id)).status).toBe('rolled_back')
    for (const file of ['a', 'b', 'c']) expect(existsSync(at(`site/${file}.txt`))).toBe(false)
  })

  it('goes through policy and approval: what it gives outright is agreed to like anything else', async () => {
    const manifest = {
      name: 'delete-it',
      tasks: [{ id: 'gone', action: { kind: 'file.delete', input: { path: 'tasks/kept' } } }],
    }
    await client.ask('execution.request', { manifest: { name: 'keep', tasks: [task('kept')] } })
    const { body } = await client.ask('execution.request', { manifest, mode: 'background' })
    await expect.poll(async () => (await detailOf(body.execution_id)).status).toBe('waiting')
    expect(existsSync(at('tasks/kept'))).toBe(true)
    await client.ask('execution.cancel', { execution_id: body.execution_id })
  })

  it('asks a person about a task that says so, where it fails for good, and keeps what is done', async () => {
    const manifest = {
      name: 'asks',
      tasks: [
        task('stays'),
        {
          id: 'fails',
          action: { kind: 'sql.query', input: { target: 'nowhere', query: 'select 1' } },
          on_failure: 'ask',
          depends_on: ['stays'],
        },
      ],
    }
    const { body, errorCode } = await client.ask('execution.request', { manifest, mode: 'background' })
    expect(errorCode).toBeUndefined()
    await expect
      .poll(async () => (await detailOf(body.execution_id)).tasks.map(({ actual_status: is }) => is))
      .toEqual(expect.arrayContaining(['done', 'blocked', 'pending']))
    const { tasks, status } = await detailOf(body.execution_id)
    expect(status).toBe('waiting')
    expect(tasks.map(({ name }) => name)).toContain('HUMAN-REVIEW-fails')
    expect(existsSync(at('tasks/stays'))).toBe(true)
    await client.ask('execution.cancel', { execution_id: body.execution_id })
  })

  it('shows what it would do, and does nothing, in a dry run', async () => {
    const before = await countRowsAtRest(under.database)
    const { body } = await client.ask('execution.request', {
      manifest: { name: 'dry', tasks: [task('dry-1'), task('dry-2', ['dry-1'])] },
      dry_run: true,
    })
    const steps: { name: string; after: string[] }[] = body.result.data.steps
    expect(steps.find(({ name }) => name === 'dry-2')?.after).toContain('dry-1')
    expect(existsSync(at('tasks/dry-1'))).toBe(false)
    expect(await countRowsAtRest(under.database)).toEqual(before)
  })
})

describe('refused at the door, with nothing stored', () => {
  it.each<[string, unknown, Record<string, unknown>]>([
    [
      'B17: an id twice',
      { name: 'm', tasks: [task('a'), task('b'), task('a')] },
      {
        code: 'duplicate_id',
        details: { places: ['$.manifest.tasks[0].id', '$.manifest.tasks[2].id'] },
      },
    ],
    [
      'B18: a cycle',
      { name: 'm', tasks: [task('a', ['b']), task('b', ['a'])] },
      { code: 'cyclic_dependency', details: { cycle: ['a', 'b', 'a'] } },
    ],
    ['B18: a task that waits for itself', { name: 'm', tasks: [task('a', ['a'])] }, { code: 'cyclic_dependency' }],
    [
      'B18: a dependency that is not there',
      { name: 'm', tasks: [task('a', ['nobody'])] },
      { code: 'unknown_dependency', path: '$.manifest.tasks[0].depends_on[0]' },
    ],
    [
      'B19: too many tasks',
      { name: 'm', tasks: Array.from({ length: 10_001 }, (_, index) => ({ id: `t${index}`, task: 'x' })) },
      { code: 'too_many_nodes' },
    ],
    [
      'B19: too many dependencies',
      {
        name: 'm',
        tasks: Array.from({ length: 640 }, (_, index) => ({
          id: `t${index}`,
          task: 'x',
          depends_on: index < 320 ? [] : Array.from({ length: 320 }, (_, before) => `t${before}`),
        })),
      },
      { code: 'too_many_edges' },
    ],
    ['neither words nor an action', { name: 'm', tasks: [{ id: 'a' }] }, { path: '$.manifest.tasks[0]' }],
    ['both words and an action', { name: 'm', tasks: [{ ...task('a'), task: 'x' }] }, { path: '$.manifest.tasks[0]' }],
    [
      'an action that says what policy says',
      { name: 'm', tasks: [{ id: 'a', action: { ...write('x'), observe_only: true } }] },
      { code: 'unknown_field' },
    ],
    [
      'another workspace',
      { name: 'm', workspace: '/etc', tasks: [task('a')] },
      { code: 'path_outside_workspace', path: '$.manifest.workspace' },
    ],
    [
      'an action in another workspace',
      { name: 'm', tasks: [{ id: 'a', action: { ...write('x'), workspace: '/etc' } }] },
      { code: 'path_outside_workspace', path: '$.manifest.tasks[0].action.workspace' },
    ],
    [
      'criteria of an action, which nobody would read',
      { name: 'm', tasks: [task('a'), { ...task('b'), acceptance_criteria: ['it is there'] }] },
      { path: '$.manifest.tasks[1].acceptance_criteria', message: expect.stringContaining('verify') },
    ],
    [
      'criteria for all of a manifest that has actions alone',
      { name: 'm', defaults: { acceptance_criteria: ['it is there'] }, tasks: [task('a')] },
      { code: 'invalid_request', path: '$.manifest.defaults.acceptance_criteria' },
    ],
  ])('%s', async (_, manifest, expected) => {
    const before = await countRowsAtRest(under.database)
    const { errorCode, body } = await client.ask('execution.request', { manifest })
    expect(errorCode).toBeDefined()
    expect(body).toMatchObject(expected)
    expect(await countRowsAtRest(under.database)).toEqual(before)
  })

  it('a task besides a manifest', async () => {
    const { body } = await client.ask('execution.request', {
      task: 'x',
      manifest: { name: 'm', tasks: [task('a')] },
    })
    expect(body).toMatchObject({ code: 'invalid_request', path: '$' })
  })
})

describe('an input that does not match the schema of its kind', () => {
  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['of a read without what it needs', { kind: 'host.facts', input: {} }, { code: 'missing_field', field: 'facts' }],
    ['of a read with a field too many', { kind: 'file.read', input: { path: 'a', pth: 'b' } }, { field: 'pth' }],
    ['of what only creates', { kind: 'dir.create', input: { path: 3 } }, { field: 'path' }],
  ])(
    '%s ends the manifest before anything is done, and names task and field',
    async (_, action, { field, ...code }) => {
      const tasks = [task('before'), { id: 'wrong', action, depends_on: ['before'] }]
      const { body } = await client.ask('execution.request', { manifest: { name: 'wrong-input', tasks } })
      expect(body).toMatchObject({
        status: 'failed',
        error: {
          ...code,
          message: expect.stringMatching(new RegExp(`^task wrong: ${action.kind}: .*${field}`)),
          path: `$.manifest.tasks[1].action.input.${field}`,
        },
      })
      expect(existsSync(at('tasks/before'))).toBe(false)
    },
  )
})

describe('a manifest by reference', () => {
  const large = (name: string) => ({
    name,
    tasks: Array.from({ length: 40 }, (_, index) => ({
      id: `t${index}`,
      action: write(`${name}/${index}`, String(index).padEnd(10_000, '.')),
    })),
  })
  const put = async (object: string, bytes: Uint8Array): Promise<string> => {
    const parts = Math.max(1, Math.ceil(bytes.length / MANIFEST_PART_BYTES_MAX))
    for (let part = 1; part <= parts; part++) {
      const from = (part - 1) * MANIFEST_PART_BYTES_MAX
      const data = Buffer.from(bytes.subarray(from, from + MANIFEST_PART_BYTES_MAX)).toString('base64')
      expect((await client.ask('manifest.put', { object, part, parts, data })).body).toEqual({ object, part })
    }
    return createHash('sha256').update(bytes).digest('hex')
  }
  const objects = async (): Promise<string[]> => {
    const store = await under.client.nc.jetstream().views.os(MANIFEST_BUCKET)
    return (await store.list()).filter(({ deleted }) => !deleted).map(({ name }) => name)
  }

  it('is put in parts, done, and is there no more; asked for again it is the same', async () => {
    const sha256 = await put('one', Buffer.from(JSON.stringify(large('large'))))
    const request = { manifest_ref: { object: 'one', sha256 }, idempotency_key: 'large-1' }
    const { body } = await client.ask('execution.request', request)
    expect(body).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(readFileSync(at('large/39'), 'utf8')).toHaveLength(10_000)
    expect(await objects()).toEqual([])
    const again = await client.ask('execution.request', request)
    expect(again.body).toMatchObject({ execution_id: body.execution_id, status: 'done' })
  })

  it('with a text that fills a message is shown cut, with its length, and done whole', async () => {
    const content = 'x'.repeat(1_000_000)
    writeFileSync(at('full.txt'), 'old')
    const manifest = { name: 'full', tasks: [{ id: 'full', action: write('full.txt', content) }] }
    const sha256 = await put('full', Buffer.from(JSON.stringify(manifest)))
    const request = { manifest_ref: { object: 'full', sha256 }, mode: 'background' }
    const { execution_id: id } = (await client.ask('execution.request', request)).body
    const operator = opened.use(await plainClient(under.mesh.connection))
    const asked = async () => (await operator.ask('approval.list', { execution_id: id, status: 'pending' })).body
    await expect.poll(async () => (await asked()).approvals).toHaveLength(1)
    const [{ approval_id, actions }] = (await asked()).approvals
    const cut = expect.stringMatching(/^x{1000} ... \(1000000 characters\)$/)
    expect(actions[0].action.input).toEqual({ path: 'full.txt', content: cut })
    await operator.ask('approval.decide', { approval_id, decision: 'approve' })
    await expect.poll(async () => (await detailOf(id)).status).toBe('done')
    const { tasks } = await detailOf(id)
    expect(tasks.find(({ action }) => action !== null)?.action?.input.content).toEqual(cut)
    expect(readFileSync(at('full.txt'), 'utf8')).toBe(content)
  })

  it('is refused where it is missing, or another than its digest says, and nothing is stored', async () => {
    const before = await countRowsAtRest(under.database)
    const missing = { object: 'nowhere', sha256: '0'.repeat(64) }
    const none = await client.ask('execution.request', { manifest_ref: missing })
    expect(none.body).toMatchObject({ code: 'not_found', path: '$.manifest_ref.object' })
    await put('two', Buffer.from(JSON.stringify(large('other'))))
    const other = await client.ask('execution.request', { manifest_ref: { ...missing, object: 'two' } })
    expect(other.body).toMatchObject({ code: 'invalid_manifest', path: '$.manifest_ref.sha256' })
    expect(await countRowsAtRest(under.database)).toEqual(before)
    expect(existsSync(at('other'))).toBe(false)
  })

  it('of which a part is missing, or none can be, is refused with the part', async () => {
    const part = { object: 'partly', data: Buffer.from('{').toString('base64') }
    await client.ask('manifest.put', { ...part, part: 1, parts: 2 })
    const { body } = await client.ask('execution.request', {
      manifest_ref: { object: 'partly', sha256: '0'.repeat(64) },
    })
    expect(body).toMatchObject({ code: 'invalid_manifest', path: '$.manifest_ref.object' })
    expect(body.message).toContain('part 2 of 2')
    const none = await client.ask('manifest.put', { ...part, part: 3, parts: 2 })
    expect(none.body).toMatchObject({ path: '$.part' })
  })

  it('of one tenant is not there for another', async () => {
    const sha256 = await put('three', Buffer.from(JSON.stringify(large('theirs'))))
    const request = { manifest_ref: { object: 'three', sha256 } }
    const operator = opened.use(await plainClient(under.mesh.connection))
    const { body } = await operator.ask('execution.request.other.somebody', request)
    expect(body.code).toBe('not_found')
    expect(existsSync(at('theirs'))).toBe(false)
  })
})

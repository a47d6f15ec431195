import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { countRowsAtRest } from '@deed/drill/harness/count-rows'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { hashJson } from '@deed/json/canonical-json'
import { until } from '@deed/process/until'
import { listApprovals } from '@deed/proto/approval'
import { cacheStats, putCache } from '@deed/proto/cache'
import { testDatabase } from '@deed/store/test-database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { approved, ask, decide, waiting } from './ask.ts'
import { detailOf, endOf } from './follow.ts'

const opened = new AsyncDisposableStack()
let under: MeshUnderTest

beforeAll(async () => {
  const shelf = opened.use(await testDatabase('shelf', {}))
  await shelf.pool.query('create table shelf.books as select n as id from generate_series(1, 7) as n')
  under = opened.use(
    await meshUnderTest({
      thinkers: 'apart',
      config: `
targets: { shelf: { type: sql, url_env: SHELF_URL } }
commands: { allow: [printf, 'true'] }
`,
      env: { SHELF_URL: shelf.url },
    }),
  )
})
afterAll(() => opened.disposeAsync())

const file = (name: string): string => readFileSync(join(under.workspace, name), 'utf8')

describe('an answer that was given before', () => {
  it('is computed once for fifty that ask at once', async () => {
    const task = 'query shelf: select count(*) as books, pg_sleep(0.5)::text as slept from shelf.books'
    const replies = await Promise.all(Array.from({ length: 50 }, () => ask(under, { task })))
    for (const { status, result } of replies) {
      expect(status).toBe('done')
      expect(result?.data).toEqual(replies[0]?.result?.data)
    }
    expect(replies.filter(({ method }) => method !== 'cached')).toHaveLength(1)
    const { rows } = await under.database.query(
      'select count(*)::int as actions from executor.actions where execution_id = any($1)',
      [replies.map(({ execution_id }) => execution_id)],
    )
    expect(rows).toEqual([{ actions: 1 }])
  })

  it('is cited with its age, and survives the death of the cache', async () => {
    const task = 'query shelf: select max(id) as highest from shelf.books'
    const first = await ask(under, { task })
    expect(first).toMatchObject({ status: 'done', method: 'autonomous', metrics: { cache_hit: false, success: true } })
    await until(async () => (await under.client.call(cacheStats, {})).entries > 0)
    await countRowsAtRest(under.database)
    const cache = under.mesh.service('semantic-cache')
    const { pid } = cache
    await cache.kill()
    await until(() => cache.pid !== undefined && cache.pid !== pid)
    await under.client.call(cacheStats, {}, { timeoutMs: 60_000 })
    const second = await ask(under, { task })
    expect(second).toMatchObject({
      status: 'done',
      method: 'cached',
      metrics: { cache_hit: true, success: true },
      result: first.result,
      verification: [{ kind: 'cited', outcome: 'verified', facts: { execution_id: first.execution_id } }],
    })
    expect(second.execution_id).not.toBe(first.execution_id)
  })

  it('is not given once something was written to the database that it was read from', async () => {
    const task = 'query shelf: select count(*)::int as books from shelf.books where id < 1000'
    const counted = async () => {
      const { method, result } = await ask(under, { task })
      return { method, books: (result?.data as { rows: { books: number }[] } | undefined)?.rows[0]?.books }
    }
    expect(await counted()).toEqual({ method: 'autonomous', books: 7 })
    // Twice: once over all that may know the answer, and once over the cache alone.
    await until(async () => (await counted()).method === 'cached')
    expect(await counted()).toEqual({ method: 'cached', books: 7 })
    const insert =
      'run `insert into shelf.books values (8)` on shelf so that `select 1 from shelf.books where id = 8` finds a row'
    expect(await approved(under, insert)).toMatchObject({ status: 'done' })
    expect(await counted()).toEqual({ method: 'autonomous', books: 8 })
    await until(async () => (await counted()).method === 'cached')
    expect(await counted()).toEqual({ method: 'cached', books: 8 })
  })

  it('is never given to who asks for an act', async () => {
    const task = 'create the folder made/again'
    expect(await ask(under, { task })).toMatchObject({ status: 'done', method: 'autonomous' })
    rmSync(join(under.workspace, 'made'), { recursive: true })
    const again = await ask(under, { task })
    expect(again).toMatchObject({ status: 'done', method: 'autonomous', metrics: { cache_hit: false, success: true } })
    expect(again.verification).toMatchObject([{ kind: 'observed' }])
    expect(existsSync(join(under.workspace, 'made/again'))).toBe(true)
  })

  it('is not believed where what it cites is another request', async () => {
    const first = 'query shelf: select min(id) as least from shelf.books'
    const { execution_id, verification } = await ask(under, { task: first })
    const task = 'query shelf: select max(id) as most from shelf.books'
    await under.client.call(putCache, {
      text: task,
      context_hash: hashJson({ context: {}, acceptance_criteria: [] }),
      value: {
        kind: 'answer',
        result: { text: 'none' },
        evidence: verification,
        execution_id,
        template_used: null,
        model_used: null,
      },
    })
    expect(await ask(under, { task })).toMatchObject({
      status: 'done',
      method: 'autonomous',
      metrics: { cache_hit: false },
      result: { data: { rows: [{ most: expect.any(Number) }] } },
    })
  })
})

describe('a person', () => {
  it('is asked before what is there is changed, and agrees once, to what was seen', async () => {
    writeFileSync(join(under.workspace, 'kept.txt'), 'before')
    const detail = await waiting(under, 'overwrite kept.txt with "after"')
    expect(detail.status).toBe('waiting')
    const { approvals } = await under.client.call(listApprovals, { execution_id: detail.execution_id })
    expect(approvals).toMatchObject([{ status: 'pending', level: 1, approval_id: detail.approval_id }])
    await expect(decide(under, detail, 'approve', '0'.repeat(64))).rejects.toMatchObject({ code: 'approval_mismatch' })
    expect(file('kept.txt')).toBe('before')
    await decide(under, detail, 'approve', approvals[0]?.plan_hash)
    expect(await endOf(under, detail.execution_id)).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(file('kept.txt')).toBe('after')
    await expect(decide(under, detail, 'approve')).rejects.toMatchObject({ code: 'approval_already_used' })
    await expect(decide(under, detail, 'deny')).rejects.toMatchObject({ code: 'approval_already_used' })
  })

  it('says no, and nothing is done', async () => {
    writeFileSync(join(under.workspace, 'refused.txt'), 'before')
    const detail = await waiting(under, 'overwrite refused.txt with "after"')
    await decide(under, detail, 'deny')
    const end = await endOf(under, detail.execution_id)
    expect(end).toMatchObject({ status: 'denied', error: { code: 'approval_denied' }, metrics: { success: false } })
    expect(end.timeline.map(({ type }) => type)).not.toContain('approval.used')
    expect(file('refused.txt')).toBe('before')
    await expect(decide(under, detail, 'approve')).rejects.toMatchObject({ code: 'approval_already_used' })
  })

  it('is asked again when it became something else than what was agreed to', async () => {
    const detail = await waiting(under, 'write "planned" to drift.txt and run `true`')
    writeFileSync(join(under.workspace, 'drift.txt'), 'somebody else was here')
    await decide(under, detail, 'approve')
    const second = await until(async () => {
      const { approvals } = await under.client.call(listApprovals, {
        execution_id: detail.execution_id,
        status: 'pending',
      })
      return approvals[0]
    })
    expect(second).toMatchObject({ level: 1, actions: [{ action: { kind: 'file.write' } }] })
    expect(second.approval_id).not.toBe(detail.approval_id)
    expect(file('drift.txt')).toBe('somebody else was here')
    await decide(under, second, 'approve')
    const end = await endOf(under, detail.execution_id)
    expect(end).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(end.timeline.map(({ type }) => type)).toContain('task.replanned')
    expect(file('drift.txt')).toBe('planned')
  })
})

describe('a request', () => {
  it('for several things that take milliseconds is answered with what came of them', async () => {
    const reply = await ask(under, {
      task: 'write "a" to quick/a.txt, then write "b" to quick/b.txt, then write "c" to quick/c.txt',
    })
    expect(reply).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(file('quick/c.txt')).toBe('c')
  })

  it('in the background is accepted at once and found later', async () => {
    const reply = await ask(under, { task: 'create the folder later', mode: 'background' })
    expect(reply).toMatchObject({ status: 'accepted', result: null, metrics: { success: false } })
    expect(await endOf(under, reply.execution_id)).toMatchObject({ status: 'done' })
  })

  it('that comes many times at once under one key is one execution, and each has its answer', async () => {
    const request = { task: 'write "once" to keyed/once.txt', idempotency_key: 'many-at-once' }
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask(under, request)))
    for (const reply of replies) {
      expect(reply).toMatchObject({
        status: 'done',
        execution_id: replies[0]?.execution_id,
        metrics: { success: true },
      })
    }
    const { rows } = await under.database.query(
      'select count(*)::int as executions from orchestrator.executions where idempotency_key = $1',
      [request.idempotency_key],
    )
    expect(rows).toEqual([{ executions: 1 }])
    const { timeline } = await detailOf(under, replies[0]!.execution_id)
    expect(timeline.filter(({ type }) => type === 'task.leased')).toHaveLength(1)
  })

  it('that is a dry run shows the plan, and stores and changes nothing', async () => {
    const before = await countRowsAtRest(under.database)
    const reply = await ask(under, { task: 'write "dry" to dry.txt, then run `true`', dry_run: true })
    expect(reply.result?.text).toMatch(/dry\.txt[\s\S]*true/)
    expect(reply.result?.data).toMatchObject({ agreement: [{ level: expect.any(Number) }, { level: 2 }] })
    expect(reply).toMatchObject({ metrics: { success: false }, verification: [] })
    expect(await countRowsAtRest(under.database)).toEqual(before)
    expect(existsSync(join(under.workspace, 'dry.txt'))).toBe(false)
    await expect(detailOf(under, reply.execution_id)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('whose words are cut in the middle of a character for a title is done all the same', async () => {
    const words = `write "${'x'.repeat(504)}`
    const task = `${words}${'\u{1f600}'.repeat(20)}" to cut.txt`
    expect(task.slice(0, 512).isWellFormed()).toBe(false)
    expect(await ask(under, { task })).toMatchObject({ status: 'done' })
    expect(file('cut.txt')).toBe(`${'x'.repeat(504)}${'\u{1f600}'.repeat(20)}`)
  })

  it('whose rule cuts a title in the middle of a character is done all the same', async () => {
    const path = `${`${'d'.repeat(50)}/`.repeat(9)}${'x'.repeat(36)}\u{1f600}\u{1f600}`
    expect(`make the folder ${path}`.slice(0, 512).isWellFormed()).toBe(false)
    expect(await ask(under, { task: `create the folder ${path}` })).toMatchObject({ status: 'done' })
    expect(existsSync(join(under.workspace, path))).toBe(true)
  })

  it('whose command prints what JSON in PostgreSQL cannot hold is done all the same', async () => {
    const end = await approved(under, 'run `printf "a\\\\000b"`')
    expect(end).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(end.result?.text).toBe('a\ufffdb')
    expect(under.log('executor')).not.toContain('report was refused')
  })

  it('whose answer is larger than a message ends, and says so', async () => {
    const reply = await ask(under, {
      task: "query shelf: select repeat('x', 1000) as long from generate_series(1, 5000)",
    })
    expect(reply).toMatchObject({ status: 'done', result: { data: { row_count: 5_000, truncated: true } } })
    expect(JSON.stringify(reply).length).toBeLessThan(1024 * 1024)
    // Of all rows, not of those that are in the reply.
    expect(reply.result?.text).toMatch(/\nand 4950 more$/)
  })
})

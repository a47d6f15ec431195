// What must not be done, asked for in plain words: paths that lead elsewhere, protected files, shells and writing reads. The
// numbers are the rows of the list of bad input.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MeshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DoorWorld, doorWorld } from './door-world.ts'
import type { Answer, PlainClient } from './plain-client.ts'

const opened = new AsyncDisposableStack()
let shelf: DoorWorld['shelf']
let under: MeshUnderTest
let client: PlainClient
let operator: PlainClient

beforeAll(async () => {
  ;({ shelf, under, client, operator } = await doorWorld(opened))
})

afterAll(() => opened.disposeAsync())

describe('a task in plain words', () => {
  it.each([
    ['a folder elsewhere', 'elsewhere/new.txt', 'path_outside_workspace'],
    ['a file elsewhere', 'elsewhere.txt', 'path_outside_workspace'],
    ['nothing', 'dangling.txt', 'path_outside_workspace'],
    ['another workspace', 'theirs/new.txt', 'path_outside_workspace'],
    ['itself', 'loop/new.txt', 'symlink_loop'],
  ])('B23: a link to %s is not followed', async (_, path, code) => {
    const outside = join(under.workspace, '..', 'outside')
    if (!existsSync(outside)) {
      mkdirSync(outside)
      writeFileSync(join(outside, 'kept.txt'), 'kept')
      symlinkSync(outside, join(under.workspace, 'elsewhere'))
      symlinkSync(join(outside, 'kept.txt'), join(under.workspace, 'elsewhere.txt'))
      symlinkSync(join(outside, 'missing.txt'), join(under.workspace, 'dangling.txt'))
      symlinkSync(join(under.workspace, '..', 'other'), join(under.workspace, 'theirs'))
      symlinkSync(join(under.workspace, 'loop'), join(under.workspace, 'loop'))
    }
    const { body } = await client.ask('execution.request', { task: `write "taken" to ${path}` })
    expect(body).toMatchObject({ status: 'failed', metrics: { success: false }, error: { code } })
    expect(readFileSync(join(outside, 'kept.txt'), 'utf8')).toBe('kept')
    for (const name of ['new.txt', 'missing.txt']) expect(existsSync(join(outside, name))).toBe(false)
    expect(existsSync(join(under.workspace, '..', 'other', 'new.txt'))).toBe(false)
  })

  it.each(['.git/hooks/pre-commit', '.deed/rules.yaml', '.npmrc', 'sub/execution.yaml'])(
    'B27: %s is not written',
    async (path) => {
      const { body } = await client.ask('execution.request', { task: `write "taken" to ${path}` })
      expect(body).toMatchObject({ status: 'failed', metrics: { success: false }, error: { code: 'protected_path' } })
      expect(existsSync(join(under.workspace, path))).toBe(false)
    },
  )

  it('B28: no shell reads the arguments of a command', async () => {
    const literal = ['; rm -rf /', '$(id)', '`id`', '| cat', '*', '&& ls', '~']
    const argv = literal.map((text) => `'${text}'`).join(' ')
    const answer = await approved(`run "printf %s\\\\n ${argv}"`)
    expect(answer).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(answer.result.text.split('\n')).toEqual(expect.arrayContaining(literal))
    const { body } = await client.ask('execution.request', { task: 'run `echo x; id`' })
    expect(body).toMatchObject({ status: 'failed', error: { code: 'invalid_request' } })
  })

  it.each([
    'select 1; drop table shelf.books',
    "copy shelf.books to program 'touch /tmp/x'",
    'with gone as (delete from shelf.books returning *) select * from gone',
    'insert into shelf.books values (2)',
    "select pg_read_file('/etc/passwd')",
    'select * into shelf.copy from shelf.books',
  ])('B34: %s is not run', async (statement) => {
    await shelf.pool.query('create schema if not exists shelf')
    await shelf.pool.query('create table if not exists shelf.books as select 1 as id')
    const { body } = await client.ask('execution.request', { task: `query shelf: ${statement}` })
    expect(body).toMatchObject({ status: 'failed', metrics: { success: false }, error: { code: 'not_read_only' } })
    const { rows } = await shelf.pool.query('select id from shelf.books')
    expect(rows).toEqual([{ id: 1 }])
    const good = await client.ask('execution.request', { task: 'query shelf: select id from shelf.books' })
    expect(good.body).toMatchObject({ status: 'done', result: { data: { rows: [{ id: 1 }] } } })
  })
})

/** Asks, agrees to what would be done, and waits for the end. */
async function approved(task: string): Promise<Answer['body']> {
  const asked = await client.ask('execution.request', { task, mode: 'background' })
  expect(asked.errorCode).toBeUndefined()
  const { execution_id } = asked.body
  for (;;) {
    const { body } = await client.ask('execution.get', { execution_id })
    if (body.approval_id !== undefined) {
      await operator.ask('approval.decide.local.approver', { approval_id: body.approval_id, decision: 'approve' })
    } else if (['done', 'failed', 'denied', 'rolled_back'].includes(body.status)) return body
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

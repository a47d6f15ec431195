// What is kept of a workspace before a command, and brought back after it: names, sizes, holes and times of every sort.
import { randomUUID } from 'node:crypto'
import {
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Action } from '@deed/proto/action'
import type { ExecutionId } from '@deed/proto/ids'
import { afterAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { inspectAction } from '../handlers/inspect-action.ts'
import { chooseSandbox } from '../sandbox/choose-sandbox.ts'
import { unconfined } from '../sandbox/unconfined.ts'

const dataFolder = mkdtempSync(join(tmpdir(), 'deed-sandbox-'))
afterAll(() => rmSync(dataFolder, { recursive: true }))
const { sandbox: strongest } = await chooseSandbox({ mode: 'auto', dataFolder, protectedFiles: [] })
const SANDBOXES = [unconfined('allow-list'), strongest].map((sandbox) => ({ name: sandbox.name, sandbox }))

const ALLOW = 'commands: { allow: [node, "true"] }'
const run = (argv: string[]) => ({ kind: 'command.run', input: { argv } })
const node = (script: string) => run(['node', '-e', script])
const inspect = (executor: TestExecutor, action: z.input<typeof Action>) =>
  inspectAction(executor)({ execution_id: randomUUID() as ExecutionId, actions: [Action.parse(action)] }, {
    deadline: performance.now() + 60_000,
  } as never)

describe.each(SANDBOXES)('in the sandbox $name, the undo of a command', ({ sandbox }) => {
  it('brings back files whose names are no text, and removes those that it made', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    const inD = (bytes: string) => Buffer.concat([Buffer.from(`${executor.root}/d/`), Buffer.from(bytes, 'latin1')])
    executor.write('d/plain.txt', 'y')
    executor.write('d/\uf7e9', 'private use')
    writeFileSync(inD('caf\xe9.txt'), 'x')
    const names = () =>
      readdirSync(join(executor.root, 'd'), { encoding: 'buffer' }).map((name) => name.toString('latin1'))
    const before = names().sort()
    const script = `const fs = require('node:fs')
      for (const name of fs.readdirSync('d', { encoding: 'buffer' })) fs.unlinkSync(Buffer.concat([Buffer.from('d/'), name]))
      fs.writeFileSync(Buffer.from('d/made\\xff', 'latin1'), 'z')`
    const work = await executor.dispatch(node(script))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', evidence: { facts: { changed_paths: 4 } } })
    expect(names()).toEqual(['made\xff'])
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(names().sort()).toEqual(before)
    expect(readFileSync(inD('caf\xe9.txt'), 'utf8')).toBe('x')
  })

  it('takes away a file of any size that it made, also where it fails', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    executor.write('d/plain.txt', 'y')
    const big = `require('node:fs').writeFileSync('d/big.bin', Buffer.alloc(80 * 1024 * 1024, 7)); process.exit(1)`
    const work = await executor.dispatch(node(big))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'failed' })
    expect(statSync(join(executor.root, 'd/big.bin')).size).toBe(80 * 1024 * 1024)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(readdirSync(join(executor.root, 'd'))).toEqual(['plain.txt'])
  })

  it('keeps files with holes by what is on disk of them, and brings them back', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    executor.write('d/plain.txt', 'y')
    const [empty, some] = [join(executor.root, 'd/empty.img'), join(executor.root, 'd/some.img')]
    writeFileSync(empty, '')
    truncateSync(empty, 20 * 1024 ** 3)
    writeFileSync(some, 'head')
    truncateSync(some, 5 * 1024 ** 3)
    const work = await executor.dispatch(
      node(`require('node:fs').rmSync('d/empty.img'); require('node:fs').writeFileSync('d/some.img', 'gone')`),
    )
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', evidence: { facts: { changed_paths: 2 } } })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect([statSync(empty).size, statSync(some).size]).toEqual([20 * 1024 ** 3, 5 * 1024 ** 3])
    expect([statSync(empty).blocks, statSync(some).blocks < 64]).toEqual([0, true])
    const head = Buffer.alloc(5)
    readSync(openSync(some, 'r'), head, 0, 5, 0)
    expect(head.toString()).toBe('head\0')
  })

  it('brings back when a file was written, also where only that has changed', async () => {
    await using executor = await testExecutor(ALLOW, {}, sandbox)
    for (const name of ['d/a.txt', 'd/b.txt']) executor.write(name, 'x')
    const at = new Date('2001-02-03T04:05:06.789Z')
    for (const name of ['d/a.txt', 'd/b.txt']) utimesSync(join(executor.root, name), at, at)
    const { ino } = statSync(join(executor.root, 'd/a.txt'))
    const work = await executor.dispatch(
      node(`const fs = require('node:fs'); fs.utimesSync('d/a.txt', 1, 1); fs.writeFileSync('d/b.txt', 'y')`),
    )
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    for (const name of ['d/a.txt', 'd/b.txt'])
      expect(Math.round(statSync(join(executor.root, name)).mtimeMs)).toBe(at.getTime())
    expect(statSync(join(executor.root, 'd/a.txt')).ino).toBe(ino)
  })
})

describe('a workspace that is too large to be kept', () => {
  it('makes a command irreversible, and the plan names what is to blame', async () => {
    await using executor = await testExecutor(`${ALLOW}\nrollback: { snapshot_max_mb: 1 }`)
    executor.write('small.txt', 'x')
    executor.write('data/large.bin', 'x'.repeat(2 * 1024 * 1024))
    const summary = expect.stringContaining('data/large.bin has 2.0 MB')
    const inspections = [{ inspection: { reversibility: 'irreversible', summary } }]
    expect(await inspect(executor, run(['true']))).toMatchObject({ inspections })
  })
})

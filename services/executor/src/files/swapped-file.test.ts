// Between the look at a file and the write of it, somebody puts a link in its place that leads outside, and takes it
// away again, as fast as can be. SWAP_TRIES says how many writes, edits, reads, deletions and undos are tried at least: it
// continues until one has met the link.
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import type { Conclusion } from '../attempt/conclusion.ts'

const TRIES = Math.min(Number(process.env.SWAP_TRIES ?? 50), 1_000)
const TRIES_MAX = Math.max(TRIES, 1_000)
const TRY_MS_MAX = 10_000

/** Replaces the file by a link to the witness and the link by a file, each in one step, until it is told to stop. */
const SWAPPER = `const { parentPort, workerData: { target, witness } } = require('node:worker_threads')
  const { renameSync, symlinkSync, writeFileSync } = require('node:fs')
  let [going, swaps] = [true, 0]
  parentPort.once('message', () => { going = false })
  const put = (make) => { make(target + '.swap'); renameSync(target + '.swap', target) }
  const swap = () => {
    put((path) => symlinkSync(witness, path)); put((path) => writeFileSync(path, 'theirs\\n')); swaps++
    if (going) return setImmediate(swap)
    parentPort.postMessage(swaps); parentPort.close()
  }
  parentPort.postMessage('begun'); swap()`

const path = 'note.txt'
const write = (content: string) => ({ kind: 'file.write', input: { path, content } })
const ACTIONS = [
  (at: number) => write(`evil ${at}`),
  () => ({ kind: 'file.patch', input: { path, diff: '@@ -1 +1 @@\n-theirs\n+evil\n' } }),
  () => ({ kind: 'file.edit', input: { path, find: 'theirs', replace: 'evil' } }),
  () => ({ kind: 'file.append', input: { path, text: 'evil' } }),
  () => ({ kind: 'file.read', input: { path } }),
  () => ({ kind: 'file.search', input: { path: '.', text: 'somebody else' } }),
  () => ({ kind: 'file.copy', input: { from: path, to: 'copy.txt' } }),
  () => ({ kind: 'file.delete', input: { path } }),
]

const metLink = ({ error }: Conclusion): boolean => error?.code === 'path_outside_workspace'

/** Does and undoes each in turn. @returns how each attempt ended */
async function tryAll(executor: TestExecutor): Promise<Conclusion[]> {
  const ended: Conclusion[] = []
  for (let at = 0; at < TRIES || (at < TRIES_MAX && !ended.some(metLink)); at++) {
    const work = await executor.dispatch(ACTIONS[at % ACTIONS.length]!(at))
    const done = await executor.attempt(work)
    if (done === 'stale') throw new Error('the attempt may not act')
    ended.push(done, await executor.undo(work))
  }
  return ended
}

describe('a file that is swapped for a link', () => {
  it(
    `never leads a byte outside, nor a byte of what is outside in, in ${TRIES} tries or more`,
    async () => {
      await using executor = await testExecutor()
      const outside = join(executor.root, '..', 'outside')
      mkdirSync(outside)
      const witness = join(outside, 'witness')
      writeFileSync(witness, 'secret of somebody else', { mode: 0o640 })
      const met = statSync(witness, { bigint: true })
      executor.write(path, 'theirs\n')
      const swapper = new Worker(SWAPPER, { eval: true, workerData: { target: join(executor.root, path), witness } })
      await once(swapper, 'message')
      const ended = await tryAll(executor)
      const swaps = once(swapper, 'message')
      swapper.postMessage('stop')
      const [count] = await swaps
      expect(count).toBeGreaterThan(TRIES)

      expect(readFileSync(witness, 'utf8')).toBe('secret of somebody else')
      const now = statSync(witness, { bigint: true })
      // Not even opened for writing, nor given another mode or a second name.
      expect([now.ino, now.mtimeNs, now.ctimeNs, now.mode, now.nlink]).toEqual([
        ...[met.ino, met.mtimeNs, met.ctimeNs, met.mode, met.nlink],
      ])
      expect(readdirSync(outside)).toEqual(['witness'])
      for (const conclusion of ended) expect(JSON.stringify(conclusion)).not.toContain('secret of somebody')
      for (const row of await executor.database.query('ledger', 'select before, after, evidence from actions', []))
        expect(JSON.stringify(row)).not.toContain(
          Buffer.from('secret of somebody else').toString('base64').slice(0, 24),
        )
      // Neither a race that was never run, nor one that was never won.
      const links = ended.filter(metLink)
      expect(links.length).toBeGreaterThan(0)
      expect(ended.length).toBeGreaterThan(links.length)
    },
    TRIES_MAX * TRY_MS_MAX,
  )
})

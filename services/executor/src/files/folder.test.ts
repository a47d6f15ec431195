import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { DeedError } from '@deed/proto/errors'
import { describe, expect, it } from 'vitest'
import { openFolder } from './folder.ts'
import { replaceFile } from './regular-file.ts'

const TRIES = 1_000

/** Swaps the folder for a link to another one and back, as fast as it can. */
const SWAPPER = `const { parentPort, workerData: { inside, aside, outside } } = require('node:worker_threads')
  const { renameSync, symlinkSync, unlinkSync } = require('node:fs')
  let going = true
  parentPort.once('message', () => { going = false })
  const swap = () => {
    renameSync(inside, aside); symlinkSync(outside, inside); unlinkSync(inside); renameSync(aside, inside)
    going ? setImmediate(swap) : parentPort.close()
  }
  swap()`

describe('a folder that is swapped for a link', () => {
  it(`never leads a write outside, in ${TRIES} tries`, async () => {
    const top = mkdtempSync(join(tmpdir(), 'deed-swap-'))
    const [root, outside] = [join(top, 'root'), join(top, 'outside')]
    mkdirSync(join(root, 'inside'), { recursive: true })
    mkdirSync(outside)
    writeFileSync(join(outside, 'witness'), 'untouched')
    const workerData = { inside: join(root, 'inside'), aside: join(root, 'aside'), outside }
    const swapper = new Worker(SWAPPER, { eval: true, workerData })
    let [written, refused] = [0, 0]
    for (let i = 0; i < TRIES; i++) {
      try {
        using folder = openFolder({ root, base: [] }, ['inside'])
        if (!folder) continue
        await replaceFile(folder, 'witness', { bytes: Buffer.from('evil'), mode: 0o644, temporary: '.t' })
        written++
      } catch (error) {
        if (!(error instanceof DeedError)) throw error
        refused++
      }
    }
    swapper.postMessage('stop')
    await once(swapper, 'exit')
    expect(readFileSync(join(outside, 'witness'), 'utf8')).toBe('untouched')
    expect(written).toBeGreaterThan(0)
    expect(written + refused).toBeLessThanOrEqual(TRIES)
    rmSync(top, { recursive: true })
  })
})

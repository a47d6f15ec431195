import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskId } from '@deed/proto/ids'
import { actionIdOf } from '@deed/worker/action-id'
import { expect, it } from 'vitest'
import { endedBy, forgetSigns, giveSigns } from './signs-of-life.ts'

const ACTION = actionIdOf('0199b2f0-7c1e-7d11-8a52-3f6f0c9d4e01' as TaskId)
const SIGNS_MS = 250

it('gives signs as long as it runs, and leaves alone what others have made of them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'deed-signs-'))
  const file = join(folder, 'snapshots', 'running', ACTION)
  const ended = giveSigns(folder, ACTION)
  await sleep(SIGNS_MS)
  ended[Symbol.dispose]()
  // A file has fractions of a millisecond.
  expect(endedBy(folder, ACTION)).toBeLessThan(Date.now() + 1)

  const forgotten = giveSigns(folder, ACTION)
  forgetSigns(folder, ACTION)
  await sleep(SIGNS_MS)
  forgotten[Symbol.dispose]()
  expect(existsSync(file)).toBe(false)

  const takenOver = giveSigns(folder, ACTION)
  writeFileSync(file, '1 another')
  takenOver[Symbol.dispose]()
  // Not ended: the process that took over is dead, and may have continued for a while.
  expect(endedBy(folder, ACTION)).toBeGreaterThan(Date.now())
  rmSync(folder, { recursive: true })
})

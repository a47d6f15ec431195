import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { flushFolder } from './flush-folder.ts'

describe('flushing a folder', () => {
  it('is shared by those who wait for the same, and by nobody else', async () => {
    const [one, other] = [mkdtempSync(join(tmpdir(), 'deed-flush-')), mkdtempSync(join(tmpdir(), 'deed-flush-'))]
    const fds = [one, one, one, other].map((path) => openSync(path, 'r'))
    const [first, second, third, elsewhere] = fds.map((fd) => flushFolder(fd))
    // What the second did may have come too late for the first.
    expect(second).not.toBe(first)
    expect(third).toBe(second)
    expect(elsewhere).not.toBe(second)
    await Promise.all([first, second, elsewhere])
    const later = flushFolder(fds[0]!)
    expect(later).not.toBe(second)
    await later
    fds.map(closeSync)
    for (const path of [one, other]) rmSync(path, { recursive: true })
  })
})

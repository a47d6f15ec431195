import { fstatSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { joinFolder } from './join-folder.ts'

describe('a folder that several ask for', () => {
  it('is opened once in a turn, again in the next, and closed when the last has left', async () => {
    const root = mkdtempSync(join(tmpdir(), 'deed-join-'))
    mkdirSync(join(root, 'notes'))
    const open = (name: string) => joinFolder({ root, base: [] }, [name])
    const [one, two] = [open('notes')!, open('notes')!]
    expect(two.fd).toBe(one.fd)
    expect(open('none')).toBeUndefined()
    one[Symbol.dispose]()
    one[Symbol.dispose]()
    await nextTurn()
    await nextTurn()
    expect(fstatSync(two.fd).isDirectory()).toBe(true)
    using later = open('notes')!
    expect(later.fd).not.toBe(two.fd)
    two[Symbol.dispose]()
    expect(() => fstatSync(two.fd)).toThrow('EBADF')
    rmSync(root, { recursive: true })
  })
})

import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { describe, expect, it } from 'vitest'
import { findProject } from './project.ts'

const isRoot = process.getuid?.() === 0
const NOBODY_ID = 65_534

describe('the folder that a command is about', () => {
  it('is the nearest one, from the current folder up, with an execution.yaml or data', () => {
    using folder = temporaryFolder()
    const deep = join(folder.path, 'a', 'b')
    mkdirSync(deep, { recursive: true })
    expect(findProject(deep)).toBeUndefined()
    writeFileSync(join(folder.path, 'execution.yaml'), '')
    expect(findProject(deep)).toBe(folder.path)
    mkdirSync(join(folder.path, 'a', '.deed'))
    expect(findProject(deep)).toBe(join(folder.path, 'a'))
  })

  it.skipIf(!isRoot)(
    `is none that a stranger has made above it${isRoot ? '' : ' (not tried: only root can give a file to somebody else)'}`,
    () => {
      using folder = temporaryFolder()
      const own = join(folder.path, 'own')
      mkdirSync(own)
      chmodSync(folder.path, 0o777)
      const planted = join(folder.path, 'execution.yaml')
      writeFileSync(planted, '')
      chownSync(planted, NOBODY_ID, NOBODY_ID)
      expect(findProject(own)).toBeUndefined()
      // A user who works in a stranger's folder has chosen to.
      chownSync(own, NOBODY_ID, NOBODY_ID)
      expect(findProject(own)).toBe(folder.path)
    },
  )
})

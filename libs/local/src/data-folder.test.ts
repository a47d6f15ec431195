// Permissions of a data folder on a real file system.
import { chmodSync, linkSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { claimDataFolder, openDataFolder } from './data-folder.ts'
import { temporaryFolder } from './temporary-folder.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

it('a data folder of an earlier version is closed to other users, with everything below', () => {
  using folder = temporaryFolder()
  const [dataDir, logs, outside] = ['data', 'data/logs', 'outside.txt'].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ]
  for (const path of [dataDir, logs]) {
    mkdirSync(path)
    chmodSync(path, 0o755)
  }
  const [log, program] = [join(logs, 'executor.log'), join(logs, 'run')]
  for (const path of [log, program, outside]) writeFileSync(path, '')
  chmodSync(program, 0o755)
  chmodSync(outside, 0o644)
  symlinkSync(outside, join(logs, 'link'))
  linkSync(outside, join(logs, 'other-name'))
  openDataFolder(dataDir)
  expect([logs, log, program].map(modeOf)).toEqual(['700', '600', '700'])
  // The user that runs PostgreSQL passes through root's folder.
  expect(modeOf(dataDir)).toBe(process.getuid?.() === 0 ? '711' : '700')
  // Files that are also linked elsewhere are unchanged.
  expect(modeOf(outside)).toBe('644')
})

it('the folder of a server is closed to other users, also if it was open', () => {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'nats')
  mkdirSync(dataDir)
  chmodSync(dataDir, 0o755)
  using _ = claimDataFolder(dataDir)
  expect([dataDir, join(dataDir, 'owner.json')].map(modeOf)).toEqual(['700', '600'])
})

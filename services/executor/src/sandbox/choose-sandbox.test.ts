import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@deed/process/until'
import { afterAll, describe, expect, it } from 'vitest'
import { findProgram } from '../processes/find-program.ts'
import { boxArguments } from './bubblewrap.ts'
import { chooseSandbox } from './choose-sandbox.ts'
import { systemCallFilter } from './system-call-filter.ts'
import { watchUse } from './watch-use.ts'

const folder = mkdtempSync(join(tmpdir(), 'deed-choose-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the sandbox of this host', () => {
  it('is claimed by the layers that held, and each missing one has its reason', async () => {
    const { sandbox, missing } = await chooseSandbox({ mode: 'auto', dataFolder: folder, protectedFiles: [] })
    expect(sandbox.confines).toBe(/^(bwrap|unshare|landlock)/.test(sandbox.name))
    if (findProgram('bwrap') === undefined) expect(missing).toContain('bubblewrap (bwrap) is not installed')
    const layers = ['bwrap', 'seccomp', 'cgroup'].filter((layer) => sandbox.name.includes(layer))
    if (layers.length < 3) expect(missing).not.toEqual([])
  })

  it.each(['bwrap', 'unshare', 'landlock'] as const)(
    'is %s, or none at all, where the configuration names it',
    async (mode) => {
      const chosen = await chooseSandbox({ mode, dataFolder: folder, protectedFiles: [] }).catch(
        (error: unknown) => error,
      )
      if (chosen instanceof Error) expect(chosen.message).toContain(`commands.sandbox of execution.yaml is ${mode}`)
      else expect(chosen).toMatchObject({ sandbox: { name: expect.stringMatching(`^${mode}`), confines: true } })
    },
  )

  it('is the allow-list where the configuration names it, whatever would hold', async () => {
    const { sandbox } = await chooseSandbox({ mode: 'allow-list', dataFolder: folder, protectedFiles: [] })
    expect(sandbox.name).toMatch(/^allow-list/)
    expect(sandbox.confines).toBe(false)
  })

  it('is none only when the configuration asks for it by name', async () => {
    const { sandbox, missing } = await chooseSandbox({ mode: 'none', dataFolder: folder, protectedFiles: [] })
    expect(sandbox.name).toMatch(/^none/)
    expect(sandbox.confines).toBe(false)
    expect(missing).toContain('commands.sandbox is none in execution.yaml')
  })

  it('binds the workspace alone for writing, and shares nothing with the host', () => {
    const args = boxArguments({ workspace: '/srv/app', cwd: '/srv/app', env: { TZ: 'UTC' } }, ['--ro-bind', 'x', 'x'])
    expect(args.filter((one) => one === '--bind')).toHaveLength(1)
    expect(args.join(' ')).toContain('--bind /srv/app /srv/app --ro-bind x x')
    for (const flag of ['--unshare-all', '--clearenv', '--disable-userns', '--die-with-parent', '--new-session'])
      expect(args).toContain(flag)
  })
})

describe('the filter of system calls', () => {
  it('is known for the architectures that Deed runs on, and for no other', () => {
    for (const architecture of ['x64', 'arm64']) {
      const filter = systemCallFilter(architecture)!
      expect(filter.length % 8).toBe(0)
      // The kernel takes no program that does not end with an answer: the code of `return`.
      expect(filter.readUInt16LE(filter.length - 8)).toBe(0x06)
    }
    expect(systemCallFilter('mips')).toBeUndefined()
  })
})

describe('where the kernel does not bound it, what is watched', () => {
  const bounds = { memoryBytes: 1_000_000, processes: 3, diskBytes: 2_000_000, newFiles: 20 }
  const one = { pid: 1, parent: 0, session: 0, started: '1', residentBytes: 300_000 }

  it.each([
    ['memory', [one, { ...one, residentBytes: 800_000 }]],
    ['processes', [one, one, one, one].map((each) => ({ ...each, residentBytes: 1 }))],
  ])('is %s', async (limit, processes) => {
    using watch = watchUse({ workspace: folder, processes: () => processes, bounds })
    expect(await watch.exceeded).toBe(limit)
  })

  it('is how many files are made, in whatever folder', async () => {
    const workspace = mkdtempSync(join(folder, 'many-'))
    using watch = watchUse({ workspace, bounds })
    let limit: string | undefined
    void watch.exceeded.then((found) => {
      limit = found
    })
    let made = 0
    await until(() => {
      if (limit === undefined) {
        mkdirSync(join(workspace, String(made)))
        for (let i = 0; i < 10; i++) writeFileSync(join(workspace, String(made), String(i)), '')
        made++
      }
      return limit
    })
    expect(limit).toBe('files')
  })

  it('is what the workspace grows by', async () => {
    const workspace = mkdtempSync(join(folder, 'grows-'))
    using watch = watchUse({ workspace, bounds })
    let limit: string | undefined
    void watch.exceeded.then((found) => {
      limit = found
    })
    // Again and again, for others use the same disk: what they free hides what is taken at the very same moment.
    await until(() => {
      if (limit === undefined) appendFileSync(join(workspace, 'large'), Buffer.alloc(500_000, 'x'), { flush: true })
      return limit
    })
    expect(limit).toBe('disk')
  })
})

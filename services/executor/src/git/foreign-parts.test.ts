// Repositories that a command has twisted, so that git would write into another one of the host.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { git, HAS_GIT, index, inGit, withoutGit, withRepository } from '../../test/test-repository.ts'
import { chooseSandbox } from '../sandbox/choose-sandbox.ts'

const dataFolder = mkdtempSync(join(tmpdir(), 'deed-sandbox-'))
afterAll(() => rmSync(dataFolder, { recursive: true }))
const { sandbox: strongest } = await chooseSandbox({ mode: 'auto', dataFolder, protectedFiles: [] })

describe.skipIf(!HAS_GIT)(`a repository that leads outside${withoutGit}`, () => {
  const branch = { kind: 'git.branch', input: { name: 'made' } }

  /** Every byte, mode and link of another repository of the host. */
  const bytesOf = (folder: string): string =>
    execFileSync(
      '/bin/sh',
      ['-c', 'find . -printf "%p %y %m %l\\n" | sort; find . -type f -exec sha256sum {} + | sort'],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    )

  /** A repository in the workspace, and a foreign one beside the workspace. */
  async function withForeign() {
    const executor = await withRepository()
    const foreign = join(executor.root, '..', 'foreign')
    mkdirSync(foreign)
    execFileSync('/bin/sh', ['-c', `cp -a ${executor.root}/. ${foreign}`])
    return { executor, foreign, git: join(executor.root, '.git'), other: join(foreign, '.git') }
  }

  const replaced = (path: string, target: string) => {
    rmSync(path, { recursive: true, force: true })
    symlinkSync(target, path)
  }

  it.each<[string, (git: string, other: string) => void]>([
    ['.git is a link', (git, other) => replaced(git, other)],
    [
      '.git is a file that names another repository',
      (git, other) => {
        rmSync(git, { recursive: true })
        writeFileSync(git, `gitdir: ${other}\n`)
      },
    ],
    ...['refs', 'refs/heads', 'logs', 'logs/refs/heads', 'objects', 'HEAD', 'config', 'packed-refs', 'info'].map(
      (name): [string, (git: string, other: string) => void] => [
        `${name} is a link`,
        (git, other) => replaced(join(git, name), join(other, name)),
      ],
    ),
    [
      'the log of HEAD is a second name of the other one',
      (git, other) => {
        rmSync(join(git, 'logs/HEAD'))
        linkSync(join(other, 'logs/HEAD'), join(git, 'logs/HEAD'))
      },
    ],
    ['it shares the refs of another one', (git, other) => writeFileSync(join(git, 'commondir'), `${other}\n`)],
    [
      'it shares the objects of another one',
      (git, other) => writeFileSync(join(git, 'objects/info/alternates'), `${other}/objects\n`),
    ],
    [
      'its files are elsewhere',
      (git, other) => writeFileSync(join(git, 'config'), `[core]\n\tworktree = ${join(other, '..')}\n`),
    ],
    [
      'it includes configuration from elsewhere',
      (git, other) => writeFileSync(join(git, 'config'), `[include]\n\tpath = ${other}/config\n`),
    ],
    [
      'it includes configuration that climbs',
      (git) => writeFileSync(join(git, 'config'), '[includeIf "gitdir:**"]\n\tpath = ../../foreign/.git/config\n'),
    ],
  ])('is refused, and the other one stays as it is, where %s', async (_, twist) => {
    const { executor: opened, foreign, git: inside, other } = await withForeign()
    await using executor = opened
    const before = bytesOf(foreign)
    twist(inside, other)
    executor.write('a.txt', 'other\n')
    for (const action of [branch, { kind: 'git.commit', input: { message: 'x', paths: ['a.txt'] } }]) {
      const { outcome, effect, error } = await executor.run(action)
      expect({ outcome, effect, code: error?.code }).toEqual({
        outcome: 'failed',
        effect: 'none',
        code: 'path_outside_workspace',
      })
    }
    expect(bytesOf(foreign)).toBe(before)
  })

  it('is used where its hooks are links and an include lies inside: neither leads anywhere', async () => {
    await using executor = await withRepository()
    mkdirSync(inGit(executor, 'hooks'), { recursive: true })
    symlinkSync('../../a.txt', inGit(executor, 'hooks/pre-commit'))
    executor.write('shared.gitconfig', '[user]\n\tname = Team\n')
    git(executor, 'config', 'include.path', '../shared.gitconfig')
    expect(await executor.run(branch)).toMatchObject({ outcome: 'done' })
  })

  it('starts no program that the configuration of a submodule names', async () => {
    await using executor = await withRepository()
    const trap = join(executor.root, '..', 'ran')
    const program = join(executor.root, '..', 'trap.sh')
    writeFileSync(program, `#!/bin/sh\ntouch ${trap}\n`)
    chmodSync(program, 0o755)
    git(executor, 'init', '-q', 'inner')
    git(executor, '-C', 'inner', 'commit', '-q', '--allow-empty', '-m', 'inner')
    git(executor, 'add', 'inner')
    git(executor, 'commit', '-q', '-m', 'with a submodule')
    git(executor, '-C', 'inner', 'config', 'core.fsmonitor', program)
    executor.write('a.txt', 'other\n')
    const commit = (paths: string[]) => executor.run({ kind: 'git.commit', input: { message: 'x', paths } })
    expect(await commit(['inner'])).toMatchObject({ effect: 'none', error: { code: 'invalid_request' } })
    expect(await commit(['.'])).toMatchObject({ effect: 'none', error: { code: 'invalid_request' } })
    expect(await commit(['a.txt'])).toMatchObject({ outcome: 'done' })
    expect(existsSync(trap)).toBe(false)
    // The trap is one: git itself falls into it.
    git(executor, 'status')
    expect(existsSync(trap)).toBe(true)
  })
})

describe.skipIf(!HAS_GIT)(`git in the sandbox ${strongest.name}${withoutGit}`, () => {
  it('makes a commit and a branch, and takes both back', async () => {
    await using executor = await withRepository(strongest)
    const [head, before] = [git(executor, 'rev-parse', 'HEAD'), index(executor)]
    executor.write('a.txt', 'other\n')
    const committed = await executor.dispatch({ kind: 'git.commit', input: { message: 'x', paths: ['a.txt'] } })
    expect(await executor.attempt(committed)).toMatchObject({ outcome: 'done', effect: 'made' })
    const branched = await executor.dispatch({ kind: 'git.branch', input: { name: 'made', switch: true } })
    expect(await executor.attempt(branched)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(git(executor, 'log', '-1', '--format=%D %s')).toBe('HEAD -> made, main x')
    expect(await executor.undo(branched)).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(committed)).toMatchObject({ outcome: 'done' })
    expect([git(executor, 'rev-parse', 'HEAD'), index(executor)]).toEqual([head, before])
    expect(git(executor, 'branch', '--list')).toBe('* main')
  })
})

/** Repositories for cases: made by git as its user runs it, and read by a git that changes nothing. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from '../harness/machine.ts'
import { contentOf } from './outside.ts'

export const needsGit = ({ has }: Machine): string | undefined => (has('git') ? undefined : 'git is missing')

/** Git itself, as its user runs it, with nothing of this host's configuration. */
export function git(root: string, ...args: string[]): string {
  const who = [
    '-c',
    'user.name=Ada',
    '-c',
    'user.email=ada@example.com',
    '-c',
    'init.defaultBranch=main',
    '-c',
    'safe.directory=*',
  ]
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' }
  return execFileSync('git', ['-C', root, ...who, ...args], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim()
}

/** The same, read-only: no hook is run, no file refreshed, nothing replaced, and the working tree is here. */
export function readGit(root: string, ...args: string[]): string {
  const env = {
    PATH: process.env.PATH,
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
  }
  const here = [
    '--git-dir=.git',
    '--work-tree=.',
    '-c',
    'safe.directory=*',
    '-c',
    'core.hooksPath=/dev/null',
    '-c',
    'core.fsmonitor=false',
  ]
  return execFileSync('git', ['-C', root, ...here, ...args], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim()
}

export const TEXT = 'one\ntwo\nthree\nfour\nfive\nsix\n'
export const PATCH = '--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n'
export const PATCHED = TEXT.replace('two', '2')

export function repository(root: string): void {
  git(root, 'init', '-q')
  writeFileSync(join(root, 'a.txt'), TEXT)
  writeFileSync(join(root, 'b.txt'), 'b\n')
  git(root, 'add', '.')
  git(root, 'commit', '-q', '-m', 'first')
}

/** What a user sees of a repository, and each file in its working tree. */
export function repositoryState(root: string): string {
  const files = readGit(root, 'ls-files', '--cached', '--others').split('\n')
  return [
    readGit(root, 'for-each-ref', '--format=%(refname) %(objectname)'),
    readGit(root, 'symbolic-ref', '-q', 'HEAD'),
    readGit(root, 'status', '--porcelain=v1', '--ignored'),
    readGit(root, 'ls-files', '--stage'),
    ...files.sort().map((name) => `${name} ${JSON.stringify(contentOf(root, name))}`),
  ].join('\n')
}

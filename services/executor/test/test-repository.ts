/** A git repository in the workspace of one test, and git as a person at the machine runs it. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../src/processes/find-program.ts'
import type { Sandbox } from '../src/sandbox/sandbox.ts'
import { type TestExecutor, testExecutor } from './test-executor.ts'

export const HAS_GIT = findProgram('git') !== undefined
export const withoutGit = HAS_GIT ? '' : ' (SKIPPED: there is no program git on this host)'

/** Without the configuration of the user who runs the test. */
export function git({ root }: TestExecutor, ...args: string[]): string {
  const env = { PATH: process.env.PATH, HOME: root, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }
  const own = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com']
  return execFileSync('/usr/bin/env', ['git', ...own, ...args], { cwd: root, env, encoding: 'utf8' }).trim()
}

/** With one commit, of `a.txt` and `sub/b.txt`. */
export async function withRepository(sandbox?: Sandbox): Promise<TestExecutor> {
  const executor = await testExecutor('', {}, sandbox)
  executor.write('a.txt', 'one\ntwo\nthree\n')
  executor.write('sub/b.txt', 'b\n')
  git(executor, 'init', '-q', '-b', 'main')
  git(executor, 'add', '.')
  git(executor, 'commit', '-q', '-m', 'first')
  return executor
}

/** The bytes of the index, in base64. */
export const index = ({ root }: TestExecutor): string => readFileSync(join(root, '.git/index')).toString('base64')
export const inGit = ({ root }: TestExecutor, name: string): string => join(root, '.git', name)

/** The command as people use it: a process of its own with its output piped, as from another terminal. */

import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { defined } from '@deed/proto/json'

export const COMMAND = resolve(import.meta.dirname, '../../../cli/bin/deed.mjs')

export interface Ended {
  /** Null where a signal ended it. */
  code: number | null
  stdout: string
  stderr: string
}

/** Disposing ends it by force, should it still run. */
export interface DeedProcess extends Disposable {
  readonly child: ChildProcess
  /** What it has written so far, to either. */
  output(): string
  readonly ended: Promise<Ended>
}

/** Those that run; a process that ends in a hurry takes them along. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * Starts `deed` with these arguments, for the mesh of this data folder.
 *
 * @param env added to nothing but PATH, so that no variable of the tests' own is heard
 */
export function startDeed(
  dataDir: string,
  args: readonly string[],
  { cwd, env }: { cwd?: string; env?: Record<string, string> } = {},
): DeedProcess {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    ...defined({ cwd }),
    env: { PATH: process.env.PATH, DEED_DATA_DIR: dataDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  let stdout = ''
  let stderr = ''
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    output += text
  })
  const ended = new Promise<Ended>((end) => child.once('close', (code) => end({ code, stdout, stderr })))
  return { child, output: () => output, ended, [Symbol.dispose]: () => void child.kill('SIGKILL') }
}

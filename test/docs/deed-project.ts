/** A project of its own, in which `deed` is used at a terminal. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { COMMAND } from '@deed/drill/harness/deed-process'
import { temporaryFolder } from '@deed/local/temporary-folder'

export interface DeedProject extends Disposable {
  /** An empty folder at first. */
  readonly folder: string
  /** Runs a command of the shell at a terminal of `columns`. @returns what is written to it */
  run(command: string, options?: { columns?: number; env?: Readonly<Record<string, string>> }): string
}

const COLUMNS = 120

/** It needs the program `script` of util-linux, which lends a command a terminal. Disposing stops its mesh. */
export function deedProject(): DeedProject {
  const home = temporaryFolder()
  const folder = join(home.path, 'my-project')
  const bin = join(home.path, 'bin')
  for (const path of [folder, bin]) mkdirSync(path)
  writeFileSync(join(bin, 'deed'), `#!/bin/sh\nexec '${process.execPath}' '${COMMAND}' "$@"\n`, { mode: 0o755 })
  const run: DeedProject['run'] = (command, { columns = COLUMNS, env = {} } = {}) => {
    const path = `${bin}:${process.env.PATH}`
    const line = `stty cols ${columns}; ${command}`
    return execFileSync('script', ['-qec', line, '/dev/null'], {
      cwd: folder,
      env: { PATH: path, HOME: home.path, TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
      encoding: 'utf8',
    })
  }
  return {
    folder,
    run,
    [Symbol.dispose]() {
      run('deed down')
      home[Symbol.dispose]()
    },
  }
}

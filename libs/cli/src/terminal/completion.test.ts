// Completion, as the shell does it.
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { COMMAND } from '@deed/drill/harness/deed-process'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { describe, expect, it } from 'vitest'
import { SHELLS, type ShellName } from './completion.ts'

const SCRIPTS = new Map(
  SHELLS.map((shell) => [
    shell,
    execFileSync(process.execPath, [COMMAND, 'completion', shell], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    }),
  ]),
)
const script = (shell: ShellName): string => SCRIPTS.get(shell) ?? ''

/** Each shell completes these words, of which the last is being typed, and prints what it offers. */
const COMPLETING: Record<ShellName, { flags: string[]; print: (words: readonly string[]) => string }> = {
  bash: {
    flags: ['--norc'],
    print: (words) =>
      `COMP_WORDS=(${quoted(words)}); COMP_CWORD=${words.length - 1}; _deed; printf '%s\\n' "\${COMPREPLY[@]}"`,
  },
  // Without a line editor: what would be described to it is printed, and narrowed to what is being typed here.
  zsh: {
    flags: ['-f'],
    print: (
      words,
    ) => `_describe() { print -rl -- "\${(@P)2}" }; _files() { :; }; compadd() { print -rl -- "\${@[2,-1]}" }
words=(${quoted(words)}); CURRENT=${words.length}; _deed | sed -E 's/([^\\\\]):.*/\\1/' | grep -e '^${words.at(-1)}'`,
  },
  fish: {
    flags: ['--no-config'],
    print: (words) => `complete -C ${quoted([words.join(' ')])} | string split -f 1 \\t`,
  },
}
const BEFORE: Record<ShellName, string> = { bash: '', zsh: 'compdef() { :; }', fish: '' }

const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ')

function offered(shell: ShellName, ...words: string[]): string[] {
  const { flags, print } = COMPLETING[shell]
  const text = `${BEFORE[shell]}\n${script(shell)}\n${print(['deed', ...words])}`
  const { stdout, stderr } = spawnSync(shell, [...flags, '-c', text], { encoding: 'utf8' })
  expect(stderr).toBe('')
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .sort()
}

describe.each(SHELLS)('deed completion %s', (shell) => {
  const found = spawnSync(shell, ['--version']).error === undefined
  const skipped = found ? '' : ` (SKIPPED: ${shell} is not installed)`

  it.skipIf(!found)(`is read without a fault${skipped}`, () => {
    using folder = temporaryFolder()
    const file = join(folder.path, shell)
    writeFileSync(file, script(shell))
    const { status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
  })

  it.skipIf(!found)(`offers commands, and those below them${skipped}`, () => {
    expect(offered(shell, 're')).toEqual(['resolve', 'restore', 'resume', 'retry', 'revoke'])
    expect(offered(shell, 'goal', '')).toEqual(['delete', 'list', 'pause', 'put', 'resume'])
    expect(offered(shell, '--json', 'get', 'ex')).toEqual(['executions'])
  })

  it.skipIf(!found)(`offers the options of the command, and those of every command${skipped}`, () => {
    expect(offered(shell, 'goal', 'put', 'x', '--ev')).toEqual(['--every'])
    expect(offered(shell, 'run', '--js')).toEqual(['--json'])
    expect(offered(shell, 'down', '--every')).toEqual([])
  })

  it.skipIf(!found)(`offers the values that an option or an argument may have${skipped}`, () => {
    expect(offered(shell, 'get', 'executions', '--status', 'roll')).toEqual(['rollback_failed', 'rolled_back'])
    expect(offered(shell, 'completion', 'z')).toEqual(['zsh'])
    expect(offered(shell, 'resolve', '5f6a7b8c', 'pro')).toEqual(['provide'])
  })

  it('has every command and every shell', () => {
    for (const word of ['rollback', 'executions', 'zsh', 'fish']) expect(script(shell)).toContain(word)
  })
})

it('offers files in bash where nothing else is known', () => {
  expect(offered('bash', 'apply', '--file', '')).toEqual([])
  expect(script('bash')).toContain('complete -o default -F _deed deed')
})

it('refuses a shell that it does not know', () => {
  const { status, stderr } = spawnSync(process.execPath, [COMMAND, 'completion', 'csh'], { encoding: 'utf8' })
  expect(status).toBe(2)
  expect(stderr).toContain('Allowed choices are bash, zsh, fish')
})

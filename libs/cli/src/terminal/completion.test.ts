// Completion, as the shell does it.
import { execFileSync, spawnSync } from 'node:child_process'
import { COMMAND } from '@deed/drill/harness/deed-process'
import { describe, expect, it } from 'vitest'
import { SHELLS, type ShellName } from './completion.ts'

const script = (shell: ShellName): string =>
  execFileSync(process.execPath, [COMMAND, 'completion', shell], { encoding: 'utf8', env: { PATH: process.env.PATH } })

const bash = script('bash')

/** What bash offers behind these words, of which the last is being typed. */
function offered(...words: string[]): string[] {
  const line = ['deed', ...words]
  const typed = line.map((word) => `'${word}'`).join(' ')
  const text = `${bash}\nCOMP_WORDS=(${typed}); COMP_CWORD=${line.length - 1}; _deed; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['--norc', '-c', text], { encoding: 'utf8' }).trim().split('\n')
}

describe('deed completion bash', () => {
  it('offers commands, and those below them', () => {
    expect(offered('re')).toEqual(['revoke', 'resolve', 'resume', 'retry'])
    expect(offered('goal', '')).toEqual(['put', 'list', 'delete', 'pause', 'resume', 'help'])
    expect(offered('--json', 'get', 'ex')).toEqual(['executions'])
  })

  it('offers the options of the command, and those of every command', () => {
    expect(offered('goal', 'put', 'x', '--ev')).toEqual(['--every'])
    expect(offered('run', '--js')).toEqual(['--json'])
    expect(offered('down', '--every')).toEqual([''])
  })

  it('offers the values that an option or an argument may have, and files for any other', () => {
    expect(offered('get', 'executions', '--status', 'roll')).toEqual(['rolled_back', 'rollback_failed'])
    expect(offered('completion', 'z')).toEqual(['zsh'])
    expect(offered('resolve', '5f6a7b8c', 'pro')).toEqual(['provide'])
    expect(offered('apply', '--file', '')).toEqual([''])
    expect(bash).toContain('complete -o default -F _deed deed')
  })
})

describe.each(SHELLS)('deed completion %s', (shell) => {
  const found = spawnSync(shell, ['--version']).error === undefined
  it.skipIf(!found)(
    `is read by ${shell} without a fault${found ? '' : `: skipped, since ${shell} is not installed`}`,
    () => {
      const { status, stderr } = spawnSync(shell, ['-n'], { input: script(shell), encoding: 'utf8' })
      expect([status, stderr]).toEqual([0, ''])
    },
  )

  it('has every command and every shell', () => {
    for (const word of ['rollback', 'executions', 'zsh', 'fish']) expect(script(shell)).toContain(word)
  })
})

it('refuses a shell that it does not know', () => {
  const { status, stderr } = spawnSync(process.execPath, [COMMAND, 'completion', 'csh'], { encoding: 'utf8' })
  expect(status).toBe(2)
  expect(stderr).toContain('Allowed choices are bash, zsh, fish')
})

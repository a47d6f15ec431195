import { describe, expect, it } from 'vitest'
import { type Facts, levelOf, readPolicy } from './policy.ts'

const policy = readPolicy(`${import.meta.dirname}/../policy/default.yaml`)
const command: Facts = {
  kind: 'command.run',
  effect: 'run',
  reversibility: 'reversible',
  environment: undefined,
  sandbox: 'bwrap+seccomp+cgroup1',
}

describe('the level of an action that starts a program', () => {
  it('is one higher where nothing confines the program, and says so', () => {
    const confined = levelOf(policy, command)
    for (const sandbox of ['allow-list', 'allow-list+cgroup2', 'none', 'none+cgroup1'])
      expect(levelOf(policy, { ...command, sandbox })).toEqual({
        level: confined.level + 1,
        why: 'nothing confines the program that it starts',
      })
  })

  it('is never above 3', () => {
    const facts: Facts = { ...command, sandbox: 'none', environment: 'production', reversibility: 'irreversible' }
    expect(levelOf(policy, facts).level).toBe(3)
  })

  it('counts for no action that starts none', () => {
    const facts: Facts = { ...command, kind: 'file.write', effect: 'change', sandbox: undefined }
    expect(levelOf(policy, facts).level).toBe(1)
  })
})

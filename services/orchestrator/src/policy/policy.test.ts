import { readFileSync } from 'node:fs'
import { EffectClass, ReadBy, Reversibility } from '@deed/proto/action'
import type { JsonObject } from '@deed/proto/json'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { argvOf, effectOf, type Facts, levelOf, parsePolicy, readPolicy } from './policy.ts'

const DEFAULT = `${import.meta.dirname}/../../policy/default.yaml`
const policy = readPolicy(DEFAULT)
const command: Facts = {
  kind: 'command.run',
  effect: 'run',
  reversibility: 'reversible',
  environment: undefined,
  sandbox: 'bwrap+seccomp+cgroup1',
}

/** A new file. */
const CREATES: Facts = {
  kind: 'file.write',
  effect: 'create',
  reversibility: 'reversible',
  environment: undefined,
  sandbox: undefined,
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

describe('the level of a command line that only looks at the host', () => {
  const level = (input: JsonObject) => levelOf(policy, { ...command, argv: argvOf(input) }).level

  it('is 1 for the very line that the policy names, and that of any command for every other', () => {
    expect(level({ argv: ['df', '-P', '-h'] })).toBe(1)
    expect(level({ argv: ['df', '-P'] })).toBe(2)
    expect(level({ argv: ['df', '-P', '-h', '--output=x'] })).toBe(2)
    expect(level({ argv: ['df', '-P', '-h'], env: { LC_ALL: 'C' } })).toBe(2)
    expect(level({ argv: ['df', '-P', '-h'], stdin: '' })).toBe(2)
  })
})

/** Programs that people trust, and that run another one when they are asked to (GTFOBins). */
const WRAPPERS = [
  ...[['env'], ['nice'], ['nohup'], ['timeout', '5'], ['stdbuf', '-o0'], ['setsid'], ['xargs'], ['time'], ['ionice']],
  ...[
    ['sh', '-c'],
    ['bash', '-c'],
    ['busybox', 'sh', '-c'],
    ['ssh', 'host'],
    ['script', '-qc'],
    ['flock', '/tmp/x'],
  ],
  ...[
    ['find', '.', '-exec'],
    ['git', '-c', 'core.pager=sh', 'log'],
    ['tar', '--checkpoint-action=exec=sh'],
    ['vim', '-c'],
  ],
  ...[
    ['awk', 'BEGIN{system("sh")}'],
    ['node', '-e'],
    ['python3', '-c'],
    ['perl', '-e'],
    ['ruby', '-e'],
    ['sed', '1e sh'],
  ],
  ...[['df'], ['ls'], ['cat'], ['echo'], ['git', 'status'], ['less'], ['man'], ['zip', '-T', '-TT'], ['rsync', '-e']],
]

describe('the level of a command', () => {
  it.each(WRAPPERS)('is that of any command, whatever its name is: %s', (...argv) => {
    for (const kind of ['command.run', 'test.run'])
      for (const sandbox of ['bwrap+seccomp+cgroup1', 'landlock+seccomp', 'allow-list', 'none']) {
        const effect = effectOf(policy, kind, { argv: [...argv, 'rm', '-rf', '.'] })
        expect(effect).toBe('run')
        const facts = { kind, effect, reversibility: 'reversible', environment: undefined, sandbox } as const
        expect(levelOf(policy, facts).level).toBeGreaterThanOrEqual(2)
        expect(levelOf(policy, { ...facts, sandbox: undefined }).level).toBeGreaterThanOrEqual(2)
      }
  })
})

describe('any fact more', () => {
  const known = fc.record({
    kind: fc.constantFrom(...Object.keys(policy.kinds), 'lamp.switch'),
    effect: fc.option(fc.constantFrom(...EffectClass.options), { nil: undefined }),
    reversibility: fc.option(fc.constantFrom(...Reversibility.options), { nil: undefined }),
    environment: fc.option(fc.constantFrom('production', 'cluster', 'staging'), { nil: undefined }),
    sandbox: fc.option(fc.constantFrom('none', 'allow-list+cgroup2', 'bwrap+seccomp'), { nil: undefined }),
    untrusted: fc.option(fc.constant(true), { nil: undefined }),
  })

  it('never lowers the level', () => {
    fc.assert(
      fc.property(known, known, (facts, more) => {
        const { kind, effect } = facts
        const added = {
          reversibility: facts.reversibility ?? more.reversibility,
          environment: facts.environment ?? more.environment,
          sandbox: facts.sandbox ?? more.sandbox,
          untrusted: facts.untrusted ?? more.untrusted,
        }
        expect(levelOf(policy, { kind, effect, ...added }).level).toBeGreaterThanOrEqual(levelOf(policy, facts).level)
      }),
    )
  })

  it('about what a model had read lets nothing go ahead unasked', () => {
    fc.assert(fc.property(known, (facts) => levelOf(policy, { ...facts, untrusted: true }).level > 0))
  })

  it.each(ReadBy.options)('that were read by %s let no change go ahead unasked, new files included', (reading) => {
    fc.assert(
      fc.property(known, (facts) => {
        fc.pre(facts.effect !== 'read')
        expect(levelOf(policy, { ...facts, reading }).level).toBeGreaterThan(0)
      }),
    )
    expect(levelOf(policy, { ...CREATES, reading }).level).toBe(1)
    expect(levelOf(policy, CREATES).level).toBe(0)
  })

  it.each(ReadBy.options)('that were read by %s raise the level of nothing that only reads', (reading) => {
    fc.assert(
      fc.property(known, (facts) => {
        expect(levelOf(policy, { ...facts, effect: 'read', reading })).toEqual(
          levelOf(policy, { ...facts, effect: 'read' }),
        )
      }),
    )
  })

  it('about what cannot be undone makes it level 3, whatever it is', () => {
    fc.assert(
      fc.property(known, (facts) => {
        fc.pre(facts.effect !== 'read')
        expect(levelOf(policy, { ...facts, reversibility: 'irreversible' }).level).toBe(3)
      }),
    )
  })
})

describe('the version of a policy', () => {
  it('is another one with every rule that changes, and the same with every comment', () => {
    const text = readFileSync(DEFAULT, 'utf8')
    const versionOf = (changed: string): string => parsePolicy(changed, 'changed').version
    expect(policy.version).toMatch(/^2026-11-1\+[0-9a-f]{8}$/)
    expect(versionOf(`# read me\n${text}`)).toBe(policy.version)
    expect(versionOf(text.replace('self_approval: true', 'self_approval: false'))).not.toBe(policy.version)
  })
})

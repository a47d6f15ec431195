import { describe, expect, it } from 'vitest'
import type { Snapshot } from '../execution/snapshot.ts'
import { isTaskVerified } from './task-verified.ts'

interface Act {
  reading?: string
  by?: 'model' | 'similarity' | 'learned' | 'choice'
  checks?: string
  effect?: 'none' | 'made'
  status?: string
  approval?: string
  evidence?: 'observed' | 'signed'
}

/** Approvals: `person` was decided by one, `grant` by a grant. */
const verified = (...acts: Act[]): boolean => {
  const tasks = acts.map(
    ({ reading, by = 'model', checks, effect = 'made', status = 'done', approval, evidence }, index) => [
      String(index),
      {
        task_kind: 'act',
        actual_status: status,
        effect,
        approval_id: approval ?? null,
        spec: { ...(reading ? { reading: { of: reading, by } } : {}), ...(checks ? { checks } : {}) },
        verification: { kind: evidence ?? 'observed', outcome: 'verified' },
      },
    ],
  )
  const approvals = [
    ['person', { grant_id: null, decided_by: 'ada' }],
    ['grant', { grant_id: 'g', decided_by: 'ada' }],
  ]
  return isTaskVerified({
    tasks: new Map(tasks as never),
    approvals: new Map(approvals as never),
    parts: [] as Snapshot['parts'],
  } as Snapshot)
}

describe('a task is verified', () => {
  it.each<[string, Act[]]>([
    ['where rules planned it', [{}, { approval: 'grant' }]],
    ['where the words are near those of a rule', [{ reading: 'a', by: 'similarity' }]],
    ['where the words are learned', [{ reading: 'a', by: 'learned', effect: 'none' }]],
    ['where a person chose what the words mean', [{ reading: 'a', by: 'choice' }]],
    ['where a person approved the reading', [{ reading: 'a', approval: 'person' }]],
    [
      'where what was not approved has changed nothing',
      [
        { reading: 'a', approval: 'person' },
        { reading: 'a', effect: 'none' },
      ],
    ],
    ['where a person did it', [{ reading: 'a', effect: 'none', evidence: 'signed' }]],
    ['where its checks hold', [{ reading: 'a' }, { reading: 'a', checks: 'x exists', effect: 'none' }]],
  ])('%s', (_, acts) => expect(verified(...acts)).toBe(true))

  it.each<[string, Act[]]>([
    ['where nobody approved what a model planned', [{ reading: 'a' }]],
    ['where it only reads', [{ reading: 'a', effect: 'none' }]],
    ['where a grant approved it, which has seen no reading', [{ reading: 'a', approval: 'grant' }]],
    ['where a change was not approved', [{ reading: 'a', approval: 'person' }, { reading: 'a' }]],
    ['where a check was skipped', [{ reading: 'a' }, { reading: 'a', checks: 'x', status: 'skipped' }]],
    ['where another reading of the same execution is not', [{ reading: 'a', approval: 'person' }, { reading: 'b' }]],
  ])('not %s', (_, acts) => expect(verified(...acts)).toBe(false))
})

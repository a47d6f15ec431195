// What a person sees before agreeing.
import { ApprovalView } from '@deed/proto/approval'
import { describe, expect, it } from 'vitest'
import { unpainted } from '../terminal/paint.ts'
import { actionLines, approvalText } from './approval.ts'

const ID = '01997d0e-0000-7000-8000-000000000001'

describe('what is agreed to', () => {
  it('is shown with every argument, the reason for its level, and the hash of the plan', () => {
    const approval = ApprovalView.parse({
      approval_id: ID,
      execution_id: ID,
      task: 'overwrite notes.txt',
      level: 1,
      status: 'pending',
      requested_by: 'user',
      decided_by: null,
      reason: null,
      plan_hash: 'ab'.repeat(32),
      policy_version: '2026-11-1',
      asked_at: '2026-11-20T08:00:00.000Z',
      decided_at: null,
      expires_at: '2026-11-21T09:00:00.000Z',
      actions: [
        {
          task_id: ID,
          title: 'write notes.txt',
          summary: 'write 5 bytes to notes.txt',
          level: 1,
          why: 'changes what is there',
          action: {
            kind: 'file.write',
            kind_version: 1,
            input: { path: 'notes.txt', content: 'hello' },
            already_so: 'skip',
          },
        },
      ],
    })
    expect(approvalText(approval, unpainted, Date.parse('2026-11-21T08:00:00Z')).split('\n')).toEqual([
      'Approval is required: level 1, confirm',
      '  task      overwrite notes.txt',
      '  asked by  user',
      '  1. write 5 bytes to notes.txt  (level 1: changes what is there)',
      '     kind: file.write',
      '     path: notes.txt',
      '     content: hello',
      `  plan      ${'ab'.repeat(32)}, policy 2026-11-1`,
      '  expires   2026-11-21 09:00 UTC (in 1 h)',
      `  approval  ${ID}`,
    ])
  })

  it('cannot hide an argument behind what it does to the terminal', () => {
    const lines = actionLines({
      kind: 'command.run',
      input: { argv: ['rm', '\u001b[2K\rls'], stdin: 'one\ntwo\u001b[1A' },
    })
    expect(lines).toEqual([
      'kind: command.run',
      'argv: ["rm","\\u001b[2K\\rls"]',
      'stdin:',
      '  | one',
      '  | two\\u{1b}[1A',
    ])
  })

  it('shows an argument in base64 decoded', () => {
    const encoded = Buffer.from('rm -rf ~/\u202enotes').toString('base64')
    expect(
      actionLines({ kind: 'command.run', input: { argv: ['sh', '-c', `echo ${encoded} | base64 -d | sh`] } }),
    ).toEqual([
      'kind: command.run',
      `argv: ["sh","-c","echo ${encoded} | base64 -d | sh"]`,
      '  in base64: rm -rf ~/\\u{202e}notes',
    ])
  })

  it('names what differs from the default', () => {
    expect(actionLines({ kind: 'file.write', kind_version: 2, input: {}, already_so: 'run', timeout_ms: 5 })).toEqual([
      'kind: file.write (version 2)',
      'already_so: run',
      'timeout_ms: 5',
    ])
  })
})

describe('a plan of several steps', () => {
  const step = (number: number, facts: object) => ({
    task_id: `01997d0e-0000-7000-8000-00000000001${number}`,
    name: `step-${number}`,
    title: `do ${number}`,
    level: 2,
    after: number === 1 ? [] : [`step-${number - 1}`],
    reversibility: 'reversible',
    agreement: 'plan',
    ...facts,
  })

  it('is on one screen: order, levels, diff, proof, undo, cost, and from where on there is no way back', () => {
    const approval = ApprovalView.parse({
      approval_id: ID,
      execution_id: ID,
      task: 'release it',
      level: 2,
      status: 'pending',
      requested_by: 'user',
      decided_by: null,
      reason: null,
      plan_hash: 'ab'.repeat(32),
      policy_version: '1',
      asked_at: '2026-11-20T08:00:00.000Z',
      decided_at: null,
      expires_at: '2026-11-21T09:00:00.000Z',
      plan: {
        steps: [
          step(1, {}),
          step(2, { level: 1, agreement: 'grant' }),
          step(3, { level: 3, agreement: 'own', reversibility: 'irreversible' }),
        ],
        point_of_no_return: 'step-3',
        estimate: { time_ms: 2_500, cost_usd: 0 },
      },
      actions: [
        {
          task_id: ID,
          title: 'do 1',
          summary: 'patch a.txt',
          level: 2,
          why: 'in production',
          action: { kind: 'file.patch', input: { path: 'a.txt' }, expect_before: 'sha256:ab' },
          effect: 'change',
          reversibility: 'reversible',
          state_before: 'sha256:ab',
          diff: '@@ -1 +1 @@\n-one\n+tw\u202eo\n',
          observes: { kind: 'file', path: 'a.txt', exists: true, sha256: 'cd'.repeat(32) },
          changed: [{ path: '$.expect_before', before: 'absent', after: 'sha256:ab' }],
        },
      ],
    })
    expect(approvalText(approval, unpainted).split('\n').slice(1, -3)).toEqual([
      '  task      release it',
      '  asked by  user',
      '  steps     3 steps; about 2.5 s, $0; no way back from step 3 on',
      '     1. do 1  (level 2)',
      '     2. do 2  (level 1, after 1, pre-approved)',
      '     3. do 3  (level 3, after 2, asked for by itself, cannot be undone, point of no return)',
      '  1. patch a.txt  (level 2: in production)',
      '     kind: file.patch',
      '     path: a.txt',
      '     expect_before: sha256:ab',
      '     effect: change',
      '     diff:',
      '       @@ -1 +1 @@',
      '       -one',
      '       +tw\\u{202e}o',
      `     proven by: a.txt is there, with SHA-256 ${'cd'.repeat(6)}`,
      '     undo: what was there before is brought back',
      '     changed since it was approved: $.expect_before: absent -> sha256:ab',
    ])
  })
})

// What a person sees before agreeing.
import { ApprovalView } from '@deed/proto/execution'
import { describe, expect, it } from 'vitest'
import { actionLines, approvalText } from './approval.ts'
import { unpainted } from './paint.ts'

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
    expect(approvalText(approval, unpainted).split('\n')).toEqual([
      'Agreement is wanted: level 1, confirm',
      '  task      overwrite notes.txt',
      '  1. write 5 bytes to notes.txt  (level 1: changes what is there)',
      '     kind: file.write',
      '     path: notes.txt',
      '     content: hello',
      `  plan      ${'ab'.repeat(32)}, policy 2026-11-1`,
      '  expires   2026-11-21T09:00:00.000Z',
      `  approval  ${ID}`,
    ])
  })

  it('cannot hide an argument behind what it does to the terminal', () => {
    const lines = actionLines({
      kind: 'command.run',
      input: { argv: ['rm', '\u001b[2K\rls'], stdin: 'one\ntwo\u001b[1A' },
    })
    expect(lines).toEqual(['kind: command.run', 'argv: ["rm","\\u001b[2K\\rls"]', 'stdin:', '  | one', '  | two'])
  })

  it('names what differs from the default', () => {
    expect(actionLines({ kind: 'file.write', kind_version: 2, input: {}, already_so: 'run', timeout_ms: 5 })).toEqual([
      'kind: file.write (version 2)',
      'already_so: run',
      'timeout_ms: 5',
    ])
  })
})

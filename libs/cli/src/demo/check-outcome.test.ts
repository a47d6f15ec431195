// The demo's judgement: a reply that says what it should is not enough when the world says something else.
import { ExecutionReply } from '@deed/proto/execution'
import { describe, expect, it } from 'vitest'
import { checkOutcome } from './check-outcome.ts'
import { type DemoTask, readDemoPlan } from './demo-plan.ts'

const plan = readDemoPlan()

function reply(more: object = {}): ExecutionReply {
  return ExecutionReply.parse({
    execution_id: '01997d0e-0000-7000-8000-000000000001',
    status: 'done',
    result: { text: 'did it' },
    template_used: null,
    model_used: null,
    method: 'autonomous',
    metrics: { time_ms: 5, tokens_used: 0, cost_usd: 0, cache_hit: false, quality: null, success: true },
    verification: [
      {
        kind: 'observed',
        outcome: 'verified',
        action_kind: 'file.write',
        claimed: 'did',
        observed: 'is so',
        observed_at: '2026-11-21T08:00:00.000Z',
      },
    ],
    trace_id: 'a'.repeat(32),
    ...more,
  })
}

const file = { sha256: 'aa', mode: '0640', text: 'hello' }
const task = (world: Partial<DemoTask['world']>, expected: object = {}): DemoTask => ({
  task: 'x',
  approve: 0,
  language: undefined,
  context: undefined,
  reply: { status: 'done', success: true, cache_hit: false, level: 0, evidence: [], ...expected },
  world: { files: {}, ...world },
})
const wrongOf = (one: DemoTask, before: object, after: object, replied = reply(), level = 0): string[] =>
  checkOutcome(one, { reply: replied, level, before: { files: {}, ...before }, after: { files: {}, ...after } }).wrong

describe('the demo', () => {
  it('has tasks of which each is looked at in the world itself', () => {
    for (const { world } of plan.tasks) {
      expect([world.sql, world.service, ...Object.keys(world.files)].filter(Boolean).length).toBeGreaterThan(0)
    }
  })

  it('believes no reply about a service that does not answer, or is another process than it should be', () => {
    const restarted = task({ service: { name: 's', before: 'up', after: 'another' } })
    expect(wrongOf(restarted, { pid: 1 }, { pid: 2 })).toEqual([])
    expect(wrongOf(restarted, { pid: 1 }, { pid: 1 })).toEqual(['s is the same process 1'])
    expect(wrongOf(restarted, { pid: 1 }, {})).toEqual(['s does not answer'])
    const same = task({ service: { name: 's', before: 'up', after: 'same' } })
    expect(wrongOf(same, { pid: 1 }, { pid: 2 })).toEqual(['s is another process 2'])
    const fixed = task({ service: { name: 's', before: 'down', after: 'up' } })
    expect(wrongOf(fixed, { pid: 1 }, { pid: 1 })).toEqual(['s was not down beforehand'])
  })

  it('compares bytes and mode of what should be as before', () => {
    const unchanged = task({ files: { 'a.txt': 'unchanged', 'b.txt': 'absent' } })
    expect(wrongOf(unchanged, { files: { 'a.txt': file } }, { files: { 'a.txt': file } })).toEqual([])
    expect(
      wrongOf(unchanged, { files: { 'a.txt': file } }, { files: { 'a.txt': { ...file, mode: '0644' } } }),
    ).toHaveLength(1)
    expect(
      wrongOf(unchanged, { files: { 'a.txt': file } }, { files: { 'a.txt': { ...file, sha256: 'bb' } } }),
    ).toHaveLength(1)
    expect(wrongOf(unchanged, { files: { 'a.txt': file } }, {})).toEqual(['a.txt is not there'])
    expect(wrongOf(unchanged, { files: { 'a.txt': file } }, { files: { 'a.txt': file, 'b.txt': file } })).toEqual([
      'b.txt is there',
    ])
  })

  it('believes no count that the database does not have', () => {
    const counted = task({ sql: { query: 'select 1', value: 6 } })
    expect(wrongOf(counted, {}, { value: 6 })).toEqual([])
    expect(wrongOf(counted, {}, { value: 7 })).toEqual(['the database counts 7, not 6'])
  })

  it('names what is wrong with a reply', () => {
    expect(wrongOf(task({}), {}, {}, reply({ status: 'failed' }))).toEqual(['status is failed, not done'])
    expect(wrongOf(task({}), {}, {}, reply({ verification: [] }))).toEqual(['nothing was verified'])
    expect(wrongOf(task({}, { level: 1 }), {}, {})).toEqual(['the level asked for is 0, not 1'])
    const atLeast = task({}, { level: { at_least: 2 } })
    expect(wrongOf(atLeast, {}, {}, reply(), 1)).toEqual(['the level asked for is 1, below 2'])
    expect(wrongOf(atLeast, {}, {}, reply(), 2)).toEqual([])
    expect(wrongOf(atLeast, {}, {}, reply(), 3)).toEqual([])
    const twice = { evidence: ['file.write verified', 'file.write verified'] }
    expect(wrongOf(task({}, twice), {}, {})).toEqual(['there is no evidence: file.write verified'])
  })
})

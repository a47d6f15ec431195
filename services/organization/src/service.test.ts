// The organization as a service, on a real NATS server and a real PostgreSQL. What needs people or executions is in services/mcp.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { type TestBus, testBus } from '@deed/local/test-bus'
import type { Bus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import * as decision from '@deed/proto/decision'
import { listRoles } from '@deed/proto/organization'
import * as note from '@deed/proto/organization-notes'
import * as work from '@deed/proto/organization-work'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { startOrganization } from './service.ts'
import { migrations } from './store/migrations.ts'

const AUTHORITY = `
version: test
total_usd: 1000
decisions:
  strategic_initiative: { by: [ceo], mode: autonomous, amount_max_usd: 500 }
  allocation: { by: [ceo], mode: autonomous }
  standard: { by: [cto], mode: collaborative, voters: [senior_architect, senior_developer, test_lead], quorum: 2, hours: 1, superior: ceo }
  priority: { by: [product_manager], mode: autonomous }
  release: { by: [test_lead], mode: autonomous, require: [gates_passed] }
  deployment: { by: [cto], mode: autonomous, needs: release }
  mandate: { by: [chro], mode: human }
  hold: { by: [operations_head, cto], mode: autonomous }
`

const opened = new AsyncDisposableStack()
let nats: TestBus
let database: TestDatabase<unknown>
let bus: Bus
beforeAll(async () => {
  const folder = opened.use(temporaryFolder())
  nats = opened.use(await testBus())
  database = opened.use(await testDatabase('organization', migrations))
  const file = join(folder.path, 'authority.yaml')
  writeFileSync(file, AUTHORITY)
  const environment = { ...nats.environment('organization'), DATABASE_URL: database.url, DEED_AUTHORITY: file }
  opened.use(await startOrganization(readConfig(environment)))
  bus = await nats.bus('deed')
})
afterAll(() => opened.disposeAsync())

const as = (user: string, tenant = 'local') => ({ principal: { tenant, user } })
const count = async (table: string): Promise<number> => {
  const [row] = await database.query<{ n: number }>(`count-${table}`, `select count(*)::int as n from ${table}`, [])
  return row?.n ?? -1
}
const propose = (user: string, type: decision.DecisionType, subject: decision.DecisionSubject, more: object = {}) =>
  bus.call(decision.proposeDecision, { type, subject, rationale: 'a test', ...more }, as(user))
const vote = (user: string, decision_id: decision.DecisionId, one: decision.Choice, confidence = 1) =>
  bus.call(decision.castVote, { decision_id, vote: one, confidence, rationale: 'seen', evidence: ['a fact'] }, as(user))

describe('money', () => {
  it('is given within what there is, to the cent, and a person is asked for more', async () => {
    const first = await propose('ceo', 'strategic_initiative', { name: 'Faster tests', amount: 499.99 })
    expect(first).toMatchObject({ status: 'approved', decided_by: 'rule', authority_version: 'test' })
    const tooMuch = await propose('ceo', 'strategic_initiative', { name: 'Towers', amount: 500.01 })
    expect(tooMuch).toMatchObject({ status: 'pending', mode: 'human', decided_at: null })
    const gone = await propose('ceo', 'allocation', { name: 'cto', department: 'cto', amount: 500.02 })
    expect(gone).toMatchObject({ status: 'pending', mode: 'human' })
    expect(await propose('ceo', 'allocation', { name: 'none', amount: 0 })).toMatchObject({ status: 'approved' })
    expect(await bus.call(work.listAllocations, {}, as('ceo'))).toEqual({
      total: { department: 'organization', amount: 1000, allocated: 499.99 },
      departments: [
        { department: 'faster-tests', amount: 499.99, allocated: 0 },
        { department: 'none', amount: 0, allocated: 0 },
      ],
    })
  })

  it('is never given twice, however many ask for the rest of it at once', async () => {
    const asked = await Promise.all(
      Array.from({ length: 20 }, (_, n) => propose('ceo', 'allocation', { name: `part ${n}`, amount: 50 })),
    )
    expect(asked.filter(({ status }) => status === 'approved')).toHaveLength(10)
    const { total, departments } = await bus.call(work.listAllocations, {}, as('ceo'))
    expect(total).toEqual({ department: 'organization', amount: 1000, allocated: 999.99 })
    const sum = departments.reduce((cents, { amount }) => cents + Math.round(amount * 100), 0)
    expect(sum).toBe(99_999)
  })

  it('is of one tenant alone, and negative or broken amounts are refused', async () => {
    expect((await bus.call(work.listAllocations, {}, as('ceo', 'acme'))).departments).toEqual([])
    const before = await count('decisions')
    for (const amount of [-1, 0.001, 1e12])
      await expect(propose('ceo', 'allocation', { name: 'bad', amount })).rejects.toMatchObject({
        path: '$.subject.amount',
      })
    expect(await count('decisions')).toBe(before)
  })
})

describe('a decision', () => {
  it('is proposed by the role of the subject alone, and one that nothing reads is refused', async () => {
    const before = await count('decisions')
    await expect(propose('ann', 'allocation', { name: 'x', amount: 1 })).rejects.toMatchObject({ code: 'forbidden' })
    await expect(propose('cto', 'allocation', { name: 'x', amount: 1 })).rejects.toMatchObject({ code: 'forbidden' })
    await expect(propose('cto', 'technology', { name: 'x' })).rejects.toThrow(
      'nothing reads decisions of type technology',
    )
    await expect(propose('cto', 'party' as never, { name: 'x' })).rejects.toMatchObject({ path: '$.type' })
    expect(await count('decisions')).toBe(before)
  })

  it('with the same key is made once, and a key of another decision is refused', async () => {
    const once = await Promise.all([1, 2, 3].map(() => propose('cto', 'standard', { name: 'Keyed' }, { key: 'one' })))
    expect(new Set(once.map(({ decision_id }) => decision_id)).size).toBe(1)
    await expect(propose('cto', 'standard', { name: 'Other' }, { key: 'one' })).rejects.toMatchObject({
      code: 'idempotency_conflict',
    })
  })

  it('of several is voted on once by each named role, and becomes a standard', async () => {
    const { decision_id: id, voters, due_at } = await propose('cto', 'standard', { name: 'No any', text: 'no any' })
    expect([voters, due_at === null]).toEqual([['senior_architect', 'senior_developer', 'test_lead'], false])
    const due = await bus.call(decision.listDecisions, { vote_due: 'test_lead', name: 'No any' }, as('test_lead'))
    expect(due.decisions.map((one) => one.decision_id)).toEqual([id])
    await expect(vote('cto', id, 'approve')).rejects.toMatchObject({ code: 'self_approval' })
    await expect(vote('chro', id, 'approve')).rejects.toMatchObject({ code: 'forbidden' })
    await vote('senior_architect', id, 'approve', 0.9)
    // The same again is the same vote, another one is none.
    expect((await vote('senior_architect', id, 'approve', 0.9)).votes).toHaveLength(1)
    await expect(vote('senior_architect', id, 'reject', 0.9)).rejects.toMatchObject({ code: 'approval_already_used' })
    expect(await vote('senior_developer', id, 'abstain')).toMatchObject({ status: 'pending' })
    expect(await vote('test_lead', id, 'reject', 0.3)).toMatchObject({ status: 'approved', decided_by: 'votes' })
    const { consensus_score, votes } = await bus.call(decision.getDecision, { decision_id: id }, as('ceo'))
    expect([consensus_score, votes.length]).toEqual([expect.closeTo(0.5), 3])
    expect((await bus.call(work.listStandards, {}, as('ceo'))).standards).toMatchObject([
      { name: 'No any', rule: 'no any' },
    ])
    await expect(vote('test_lead', id, 'approve')).rejects.toMatchObject({ code: 'approval_already_used' })
  })

  it('counts each vote once, however often it arrives at the same time', async () => {
    const { decision_id: id } = await propose('cto', 'standard', { name: 'At once' })
    const roles = ['senior_architect', 'senior_developer', 'test_lead']
    const answers = await Promise.allSettled(
      roles.flatMap((role) => [1, 2, 3].map(() => vote(role, id, 'approve', 0.5))),
    )
    expect(answers.filter(({ status }) => status === 'rejected')).toEqual([])
    expect(await bus.call(decision.getDecision, { decision_id: id }, as('ceo'))).toMatchObject({
      status: 'approved',
      consensus_score: 1,
      votes: { length: 3 },
    })
  })

  it('takes no votes behind its deadline, and goes to a person once where there was no quorum', async () => {
    const { decision_id: id } = await propose('cto', 'standard', { name: 'Late' })
    await vote('test_lead', id, 'approve')
    await database.query('late', `update decisions set due_at = now() - interval '1 second' where decision_id = $1`, [
      id,
    ])
    await expect(vote('senior_architect', id, 'approve')).rejects.toThrow(/has ended|no longer/)
    await until(
      async () => (await bus.call(decision.getDecision, { decision_id: id }, as('ceo'))).status === 'escalated',
      {
        what: 'an escalation',
      },
    )
    await expect(vote('senior_architect', id, 'approve')).rejects.toMatchObject({ code: 'approval_already_used' })
    const again = await bus.call(decision.escalateDecision, { decision_id: id, reason: 'again' }, as('cto'))
    expect(again).toMatchObject({ status: 'escalated', why: expect.stringContaining('deadlock') })
  })

  it('of one role above is that role alone', async () => {
    const made = await propose('cto', 'standard', { name: 'Above' }, { mode: 'hierarchical' })
    expect(made).toMatchObject({ voters: ['ceo'], quorum: 1 })
    await expect(vote('test_lead', made.decision_id, 'approve')).rejects.toMatchObject({ code: 'forbidden' })
    expect(await vote('ceo', made.decision_id, 'reject')).toMatchObject({ status: 'rejected' })
  })

  it('to deploy needs an approved release, and leaves a permit that ends', async () => {
    const deploy = () => propose('cto', 'deployment', { name: 'r1', environments: ['staging', 'test'] })
    expect(await deploy()).toMatchObject({ status: 'rejected', rule: 'there is no approved release named "r1"' })
    expect(await propose('test_lead', 'release', { name: 'r1' })).toMatchObject({ status: 'rejected' })
    const gates = [{ name: 'gates_passed', value: true, source: 'test', as_of: new Date().toISOString() }]
    expect(await propose('test_lead', 'release', { name: 'r1' }, { facts: gates })).toMatchObject({
      status: 'approved',
    })
    expect(await deploy()).toMatchObject({ status: 'approved' })
    const permits = () =>
      database.query<{ environment: string }>('permits', 'select environment from deployments order by 1', [])
    expect(await permits()).toEqual([{ environment: 'staging' }, { environment: 'test' }])
    expect((await bus.call(work.listPermits, {}, as('ann'))).permits).toMatchObject([
      { environment: 'staging', release: 'r1', valid_until: expect.stringMatching(/Z$/) },
      { environment: 'test' },
    ])
    await database.query('end', `update permits set valid_until = now()`, [])
    expect(await permits()).toEqual([])
    expect((await bus.call(work.listPermits, {}, as('ann'))).permits).toEqual([])
  })

  it('that is open is listed apart, and how each type is decided is read by anybody, with what a mandate changed', async () => {
    const { decision_id: id } = await propose('cto', 'standard', { name: 'Open' })
    const open = () => bus.call(decision.listDecisions, { open: true, name: 'Open' }, as('ann'))
    expect((await open()).decisions.map((one) => one.decision_id)).toEqual([id])
    for (const role of ['senior_architect', 'senior_developer']) await vote(role, id, 'reject')
    await vote('test_lead', id, 'abstain')
    expect((await open()).decisions).toEqual([])
    const rules = async () => (await bus.call(work.listMandates, {}, as('ann'))).rules
    const before = await rules()
    expect(before.find(({ type }) => type === 'standard')).toMatchObject({ by: ['cto'], quorum: 2, superior: 'ceo' })
    expect(before.map(({ changed_by }) => changed_by)).toEqual(before.map(() => null))
    await database.query(
      'mandate',
      `insert into mandates (tenant, decision_type, change, decision_id) values ('local', 'allocation', '{"amount_max_usd": 5}', $1)`,
      [id],
    )
    expect((await rules()).find(({ type }) => type === 'allocation')).toMatchObject({
      amount_max_usd: 5,
      changed_by: id,
    })
    await database.query('no-mandate', 'delete from mandates', [])
  })

  it('on a mandate is for a person alone, and one that could change nothing is refused', async () => {
    const change = (name: string, change: object) =>
      propose('chro', 'mandate', { name, details: { change } } as decision.DecisionSubject)
    expect(await change('allocation', { amount_max_usd: 5 })).toMatchObject({ status: 'pending', mode: 'human' })
    await expect(change('allocation', { mode: 'collaborative' })).rejects.toThrow('names neither voters')
    await expect(change('party', { mode: 'human' })).rejects.toThrow('nothing reads')
    await expect(change('allocation', {})).rejects.toThrow('must have')
    await expect(change('allocation', { amount_max_usd: -1 })).rejects.toThrow('must have')
  })

  it('on priorities orders the backlog', async () => {
    const add = (name: string) =>
      bus.call(work.addBacklogItem, { kind: 'feature', name, text: name }, as('product_manager'))
    const [one, two, three] = [await add('one'), await add('two'), await add('three')]
    await expect(add('one')).rejects.toMatchObject({ code: 'duplicate_id' })
    await propose('product_manager', 'priority', {
      name: 'order',
      details: { order: [three.backlog_id, one.backlog_id] },
    })
    const { items } = await bus.call(work.listBacklog, {}, as('ceo'))
    expect(items.map(({ name, rank }) => [name, rank])).toEqual([
      ['three', 1],
      ['one', 2],
      ['two', 3],
    ])
    expect(await bus.call(work.acceptFeature, { backlog_id: two.backlog_id }, as('product_manager'))).toMatchObject({
      accepted: false,
      unmet: ['it has no acceptance criteria'],
    })
  })
})

describe('a hold', () => {
  const hold = (user: string, hours: unknown) =>
    propose(user, 'hold', { name: 'demo-api', text: 'a disk is replaced', details: { hours } } as never)
  const holds = async (tenant = 'local') => (await bus.call(work.listHolds, {}, as('ann', tenant))).holds

  it('names who keeps a target from being acted on, why and how long, until it is released or its time has ended', async () => {
    const { decision_id } = await hold('operations_head', 1)
    expect(await holds()).toEqual([
      {
        ...{ target: 'demo-api', held_by: 'operations_head', reason: 'a disk is replaced', decision_id },
        until: expect.any(String),
      },
    ])
    expect(await holds('acme')).toEqual([])
    await database.query('end-holds', 'update holds set valid_until = now()', [])
    expect(await holds()).toEqual([])
    await hold('cto', 24)
    expect(await holds()).toMatchObject([{ held_by: 'cto' }])
    await hold('operations_head', 0)
    expect(await holds()).toEqual([])
  })

  it.each([[24.1], [-1], ['long'], [undefined]])(
    'of %s hours is refused, and so is one of another role',
    async (hours) => {
      const before = await count('decisions')
      await expect(hold('cto', hours)).rejects.toMatchObject({ path: '$.subject.details.hours' })
      await expect(hold('ceo', 1)).rejects.toMatchObject({ code: 'forbidden' })
      expect(await count('decisions')).toBe(before)
    },
  )
})

describe('messages', () => {
  const send = (from: string, to: string, thread_id?: note.MessageId) =>
    bus.call(
      note.sendMessage,
      { to, type: 'request', subject: 'a', content: 'b', ...(thread_id && { thread_id }) } as never,
      as(from),
    )
  const inbox = (role: string) => bus.call(note.readInbox, {}, as(role))

  it('reach a role, the leadership or all, and count as read once they were shown', async () => {
    await send('ceo', 'cto')
    await send('chro', 'leadership')
    await send('test_lead', 'all')
    expect((await inbox('cto')).messages.map(({ from }) => from)).toEqual(['test_lead', 'chro', 'ceo'])
    expect((await inbox('cto')).messages).toEqual([])
    expect((await inbox('chro')).messages.map(({ from }) => from)).toEqual(['test_lead'])
    expect((await inbox('uiux_engineer')).messages.map(({ from }) => from)).toEqual(['test_lead'])
    expect((await inbox('test_lead')).messages).toEqual([])
    expect((await bus.call(note.readInbox, {}, as('cto', 'acme'))).messages).toEqual([])
  })

  it('are shown to those who look on, in pages, and stay unread by it', async () => {
    const { message_id: id, thread_id } = await send('ceo', 'leadership')
    const listed = (asked: object) => bus.call(note.listMessages, asked, as('ann'))
    const { messages } = await listed({ thread_id })
    expect(messages).toMatchObject([{ message_id: id, from: 'ceo', to: 'leadership' }])
    expect(messages[0]?.unread_by).toEqual(['chro', 'cto', 'operations_head'])
    const first = await listed({ role: 'chro', limit: 1 })
    expect(first.messages.map((one) => one.message_id)).toEqual([id])
    const second = await listed({ role: 'chro', limit: 100, cursor: first.next_cursor })
    expect(second.messages.length).toBeGreaterThan(0)
    expect(second.messages.every(({ message_id: one }) => one < id)).toBe(true)
    expect(second.next_cursor).toBe(null)
    expect((await inbox('chro')).messages.map((one) => one.message_id)).toContain(id)
    expect((await bus.call(note.listMessages, {}, as('ann', 'acme'))).messages).toEqual([])
  })

  it('of a thread end after six, also where two programs answer each other at once', async () => {
    const { thread_id } = await send('ceo', 'cto')
    await expect(send('chro', 'cto', thread_id)).rejects.toMatchObject({ code: 'not_found' })
    for (let hop = 2; hop <= note.HOPS_MAX; hop++)
      expect(await send(hop % 2 ? 'ceo' : 'cto', hop % 2 ? 'cto' : 'ceo', thread_id)).toMatchObject({ hop })
    await expect(send('ceo', 'cto', thread_id)).rejects.toMatchObject({ code: 'limit_exceeded' })
  })

  it('are limited for each role', async () => {
    const sent = await Promise.allSettled(
      Array.from({ length: note.MESSAGES_A_MINUTE_MAX + 5 }, () => send('operations_head', 'chro')),
    )
    expect(sent.filter(({ status }) => status === 'fulfilled')).toHaveLength(note.MESSAGES_A_MINUTE_MAX)
    await expect(send('operations_head', 'chro')).rejects.toMatchObject({ code: 'rate_limited' })
  })
})

describe('memories', () => {
  const remember = (role: string, key: string, content: string, tags: string[] = []) =>
    bus.call(note.remember, { key, content, tags, from: 'execution 7' }, as(role))

  it('are found by their words and tags, say who wrote them, and are replaced by the same role alone', async () => {
    await remember('cto', 'queue-choice', 'We took the durable queue', ['queues'])
    await remember('ceo', 'queue-choice', 'Costs of the queue', ['money'])
    expect(await remember('cto', 'queue-choice', 'We took the simple queue', ['queues'])).toMatchObject({
      replaced: true,
    })
    const found = (asked: object) => bus.call(note.recall, asked, as('test_lead'))
    expect((await found({ query: 'simple queue' })).memories).toMatchObject([
      { by: 'cto', content: 'We took the simple queue', from: 'execution 7' },
    ])
    expect((await found({ query: 'durable' })).memories).toEqual([])
    expect((await found({ tags: ['money'] })).memories).toMatchObject([{ by: 'ceo' }])
    expect((await found({ query: `" or '); drop table` })).memories).toEqual([])
    expect((await bus.call(note.recall, {}, as('cto', 'acme'))).memories).toEqual([])
  })
})

it('each role has its last sign of life, and its votes are counted', async () => {
  const { roles } = await bus.call(listRoles, {})
  expect(roles.map(({ role }) => role)[0]).toBe('ceo')
  expect(roles.find(({ role }) => role === 'test_lead')).toMatchObject({
    votes_cast: expect.any(Number),
    votes_against: 1,
    last_seen: expect.stringMatching(/Z$/),
  })
})

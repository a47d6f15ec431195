import { DECISION_TYPES, DecisionStatus } from '@deed/proto/decision'
import { ORGANIZATION_ROLES } from '@deed/proto/organization'
import { expect, it } from 'vitest'
import { asksPerson, changeOf, missingVotes, scoreText, waitsFor } from './decision-words.ts'
import { spentOf } from './departments.ts'
import { conditionsOf, howDecided, mandatesOf } from './mandate-words.ts'
import { type Decision, ROLES, type Rule, STATUSES, TYPES } from './query.ts'

const decision = (more: Partial<Decision>): Decision =>
  ({
    ...{ status: 'pending', mode: 'collaborative', type: 'standard', subject: { name: 'No any' }, decided_by: null },
    ...{ voters: ['senior_architect', 'senior_developer'], votes: [{ role: 'senior_architect' }], ...more },
  }) as unknown as Decision
const rule = (more: Partial<Rule>): Rule => ({
  ...{ type: 'standard', by: ['cto'], mode: 'collaborative', voters: ['cto', 'senior_architect'], quorum: 2 },
  ...{ superior: 'ceo', amount_max_usd: null, require: [], needs: null, person_environments: [] },
  ...{ changed_by: null, changed_at: null, ...more },
})

it('the names of roles, types and statuses are those of the contract', () => {
  expect([...ROLES]).toEqual([...ORGANIZATION_ROLES])
  expect([...TYPES]).toEqual([...DECISION_TYPES])
  expect([...STATUSES].sort()).toEqual([...DecisionStatus.options].sort())
})

it('a decision says whom it waits for: votes, a person, or nobody any longer', () => {
  expect(waitsFor(decision({}))).toBe('1 of 2 votes')
  expect(missingVotes(decision({}))).toEqual(['senior_developer'])
  expect(waitsFor(decision({ status: 'escalated' }))).toBe('a person')
  expect(asksPerson(decision({ mode: 'human' }))).toBe(true)
  expect(asksPerson(decision({ mode: 'human', status: 'approved' }))).toBe(false)
  expect(waitsFor(decision({ status: 'rejected', decided_by: 'test_lead' }))).toBe('by test lead')
  expect([scoreText(null), scoreText(0.5)]).toEqual([null, '0.50, where 1 is for it and -1 against it'])
})

it('an approval of each type says what it changed, and nothing else does', () => {
  for (const type of TYPES) {
    expect(changeOf(decision({ type, status: 'approved' })), type).toBeTruthy()
    expect(changeOf(decision({ type, status: 'rejected' })), type).toBeUndefined()
  }
  const money = decision({ type: 'allocation', status: 'approved', subject: { name: 'cto', amount: 5 } })
  expect(changeOf(money)).toBe('$5.00 for models, for what cto requests')
})

it('a rule says how it is decided, without the vote of its proposer, and what it asks for besides', () => {
  expect(howDecided(rule({}), 'cto')).toBe('by votes, at least 1 of senior architect')
  expect(howDecided(rule({}))).toBe('by votes, at least 2 of cto, senior architect')
  expect(howDecided(rule({ mode: 'human' }))).toBe('by a person')
  expect(howDecided(rule({ mode: 'hierarchical' }))).toBe('by ceo')
  expect(howDecided(rule({ mode: 'autonomous' }))).toBe('at once, by the rule')
  const strict = rule({
    amount_max_usd: 1_000,
    require: ['gates_passed'],
    needs: 'release',
    person_environments: ['x'],
  })
  expect(conditionsOf(strict)).toEqual([
    'a person decides above $1,000',
    'needs an approved release of the same name',
    'needs the fact gates_passed',
    'a person decides for x',
  ])
})

it('the mandates of a role are what it proposes, votes on, and decides above others', () => {
  const rules = [rule({}), rule({ type: 'mandate', by: ['chro'], mode: 'human', voters: [], superior: null })]
  const types = (role: (typeof ROLES)[number]) => {
    const { proposes, votesOn, decides } = mandatesOf(rules, role)
    return [proposes, votesOn, decides].map((some) => some.map(({ type }) => type))
  }
  expect(types('cto')).toEqual([['standard'], ['standard'], []])
  expect(types('ceo')).toEqual([[], [], ['standard']])
  expect(types('chro')).toEqual([['mandate'], [], []])
})

it('a department has what it spent beside what it was given; nothing of nothing is used up, and unread is not known', () => {
  const given = ['cto', 'dev', 'none'].map((department, at) => ({
    department,
    amount: [10, 5, 0][at] ?? 0,
    allocated: 0,
  }))
  const shown = spentOf(given, [{ department: 'cto', spent_usd: 2.5 }])
  expect(shown.map(({ spent, left, share }) => [spent, left, share])).toEqual([
    [2.5, 7.5, 0.25],
    [0, 5, 0],
    [0, 0, 1],
  ])
  expect(spentOf(given, undefined)[0]).toMatchObject({ amount: 10, spent: null, left: null, share: null })
})

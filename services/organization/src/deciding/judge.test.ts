// The verdict on a proposal and the count of votes, without a database.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readAuthority, ruleFor } from '../authority/authority.ts'
import { judge, type Proposal } from './judge.ts'
import { consensusOf, outcomeOf } from './tally.ts'

const authority = readAuthority(join(import.meta.dirname, '../../policy/authority.yaml'))
const NOW = { unallocated: 5_000_000, needed: true }
const AT = '2026-11-01T00:00:00.000Z'
const fact = (name: string, value: boolean) => ({ name, value, source: 'test', as_of: AT })

function verdict(proposal: Partial<Proposal> & Pick<Proposal, 'type' | 'by'>, now: Partial<typeof NOW> = {}) {
  const rule = ruleFor(authority, proposal.type, undefined)
  if (rule === undefined) throw new Error(`no rule for ${proposal.type}`)
  return judge({ subject: { name: 'x' }, facts: [], ...proposal }, rule, { ...NOW, ...now })
}

describe('the rule for a proposal', () => {
  it('approves money up to the limit and within what is not allocated, and asks a person beyond either', () => {
    const initiative = (amount: number, unallocated = 5_000_000) =>
      verdict({ type: 'strategic_initiative', by: 'ceo', subject: { name: 'x', amount } }, { unallocated })
    expect(initiative(1_000_000)).toMatchObject({ mode: 'autonomous', status: 'approved' })
    expect(initiative(0)).toMatchObject({ status: 'approved' })
    expect(initiative(1_000_000.01)).toMatchObject({ mode: 'human', status: undefined })
    expect(initiative(10, 9.99)).toMatchObject({ mode: 'human', status: undefined })
    expect(initiative(10, 0)).toMatchObject({ mode: 'human', status: undefined })
  })

  it('refuses a role that may not propose it, money without an amount, and a laxer mode', () => {
    expect(() => verdict({ type: 'allocation', by: 'cto', subject: { name: 'x', amount: 1 } })).toThrow(
      'may not propose',
    )
    expect(() => verdict({ type: 'allocation', by: 'ceo' })).toThrow('needs an amount')
    expect(() => verdict({ type: 'technology', by: 'cto', mode: 'autonomous' })).toThrow('laxer')
    expect(verdict({ type: 'technology', by: 'cto', mode: 'human' })).toMatchObject({ mode: 'human', voters: [] })
  })

  it('rejects what lacks a required fact or decision, and lets only a person waive it', () => {
    const subject = { name: 'r1', environments: ['staging'] }
    const deploy = { type: 'deployment' as const, by: 'cto' as const, subject }
    const calm = [fact('no_open_incidents', true)]
    expect(verdict({ ...deploy, facts: calm })).toMatchObject({ status: 'approved' })
    expect(verdict({ ...deploy, facts: [fact('no_open_incidents', false)] })).toMatchObject({ status: 'rejected' })
    expect(verdict(deploy)).toMatchObject({ status: 'rejected', rule: 'no_open_incidents is not true' })
    expect(verdict({ ...deploy, facts: calm }, { needed: false })).toMatchObject({ status: 'rejected' })
    expect(verdict({ ...deploy, mode: 'human' })).toMatchObject({ mode: 'human', status: undefined })
    const live = { ...deploy, facts: calm, subject: { name: 'r1', environments: ['staging', 'production'] } }
    expect(verdict(live)).toMatchObject({ mode: 'human', status: undefined })
  })

  it('never has the proposer among the voters, and a quorum that they can reach', () => {
    expect(verdict({ type: 'architecture', by: 'cto' })).toMatchObject({
      mode: 'collaborative',
      voters: ['senior_architect', 'senior_developer'],
      quorum: 2,
    })
    expect(verdict({ type: 'priority', by: 'product_manager', mode: 'hierarchical' })).toMatchObject({
      voters: ['cto'],
      quorum: 1,
    })
    expect(() => verdict({ type: 'priority', by: 'product_manager', mode: 'collaborative' })).toThrow('nobody votes')
  })
})

describe('votes', () => {
  const approve = (confidence: number) => ({ vote: 'approve', confidence }) as const
  const reject = (confidence: number) => ({ vote: 'reject', confidence }) as const
  const abstain = { vote: 'abstain', confidence: 1 } as const
  const terms = { voters: 3, quorum: 2, margin: 0.2, late: false }

  it('have a score by their confidence, to which abstentions add nothing', () => {
    expect(consensusOf([])).toBeNull()
    expect(consensusOf([abstain])).toBeNull()
    expect(consensusOf([approve(0)])).toBeNull()
    expect(consensusOf([approve(0.9), reject(0.3)])).toBeCloseTo(0.5)
    expect(consensusOf([approve(0.9), abstain])).toBe(1)
    expect(consensusOf([reject(0.1)])).toBe(-1)
  })

  it('decide once all have voted, or at the deadline with a quorum; else it is a deadlock', () => {
    expect(outcomeOf([approve(1), approve(1)], terms)).toBe('open')
    expect(outcomeOf([approve(1), approve(1), reject(1)], terms)).toBe('approved')
    expect(outcomeOf([reject(1), reject(1), approve(1)], terms)).toBe('rejected')
    expect(outcomeOf([approve(1), reject(1), abstain], terms)).toBe('deadlock')
    expect(outcomeOf([abstain, abstain, abstain], terms)).toBe('deadlock')
    expect(outcomeOf([approve(1), abstain], { ...terms, late: true })).toBe('approved')
    expect(outcomeOf([approve(1)], { ...terms, late: true })).toBe('deadlock')
    expect(outcomeOf([], { ...terms, late: true })).toBe('deadlock')
  })
})

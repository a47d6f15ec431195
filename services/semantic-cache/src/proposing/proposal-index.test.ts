import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { cacheKey } from '../entry/cache-key.ts'
import { type ProposalIndex, proposalIndex } from './proposal-index.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const HOUR_MS = 3_600_000

const key = (text: string, tenant = 'local', scope: { language?: 'go' | 'rust'; context_hash?: string } = {}) =>
  cacheKey(tenant, { text, context_hash: '', ...scope })
const keep = (index: ProposalIndex, text: string, answerHash: string, tenant = 'local') =>
  index.keep({ key: key(text, tenant), kind: 'answer', answerHash, expiresAtMs: NOW + HOUR_MS })

/** Sentences with one answer, and after them those that must not get it, by paragraph. */
const families = readFileSync(new URL('../../test-data/near-misses-of-many.txt', import.meta.url), 'utf8')
  .split('\n\n')
  .slice(1)
  .map((paragraph) => {
    const lines = paragraph.trim().split('\n')
    return {
      title: lines[0] ?? '',
      same: lines.filter((line) => !line.startsWith('!')),
      others: lines.flatMap((line) => (line.startsWith('! ') ? [line.slice(2)] : [])),
    }
  })

describe('a proposal', () => {
  it('is another sentence that says the same in the same words', () => {
    const index = proposalIndex()
    keep(index, 'restart the mailer', 'a')
    keep(index, 'restart the indexer', 'b')
    const proposed = index.propose(key('please restart mailer'), 'answer', NOW)
    expect(proposed).toMatchObject({ way: 'words', entry: { answerHash: 'a', key: { text: 'restart the mailer' } } })
    expect(index.propose(key('stop the mailer'), 'answer', NOW)).toBeUndefined()
  })

  it.each(families)('that the neighbours agree on is refused to each near miss: $title', ({ same, others }) => {
    expect(others.length).toBeGreaterThan(5)
    const index = proposalIndex()
    for (const text of same) keep(index, text, 'a')
    expect(others.filter((text) => index.propose(key(text), 'answer', NOW))).toEqual([])
  })

  it('is made where all five neighbours have one answer, and no word is new', () => {
    const index = proposalIndex()
    const keepBoth = (text: string): void => {
      keep(index, text, 'a')
      index.keep({ key: key(text), kind: 'solution', answerHash: 'a', expiresAtMs: NOW + HOUR_MS })
    }
    for (const which of ['the', 'my', 'the new', 'my new'])
      for (const when of ['has not come', 'has not come yet', 'still has not come']) keepBoth(`${which} card ${when}`)
    const asked = key('my new card still has not come yet')
    expect(index.propose(asked, 'answer', NOW)).toMatchObject({ way: 'vote', entry: { answerHash: 'a' } })
    expect(index.propose(key('my new pass still has not come yet'), 'answer', NOW)).toBeUndefined()
    // A plan needs the same words.
    expect(index.propose(asked, 'solution', NOW)).toBeUndefined()
    keep(index, 'my new card still has not come today', 'b')
    expect(index.propose(asked, 'answer', NOW)).toBeUndefined()
  })

  it('is not made where equal sentences have different answers', () => {
    const index = proposalIndex()
    keep(index, 'restart the mailer', 'a')
    keep(index, 'restart mailer', 'b')
    expect(index.propose(key('please restart the mailer'), 'answer', NOW)).toBeUndefined()
  })

  it('never is an entry that has expired, was dropped, or is of the same key', () => {
    const index = proposalIndex()
    const asked = key('please restart the mailer')
    keep(index, asked.text, 'a')
    expect(index.propose(asked, 'answer', NOW)).toBeUndefined()
    keep(index, 'restart the mailer', 'a')
    expect(index.propose(asked, 'answer', NOW + HOUR_MS)).toBeUndefined()
    expect(index.propose(asked, 'answer', NOW)).toBeDefined()
    index.drop(key('restart the mailer').hash)
    expect(index.propose(asked, 'answer', NOW)).toBeUndefined()
    keep(index, 'restart the mailer', 'a')
    index.dropTenant('local')
    expect(index.propose(asked, 'answer', NOW)).toBeUndefined()
    expect(index.size).toBe(0)
  })

  it('never crosses tenant, language or context, whatever is kept and dropped', () => {
    const index = proposalIndex()
    const tenants = ['local', 'acme']
    const scopes = [{}, { language: 'go' as const }, { language: 'rust' as const }, { context_hash: 'c' }]
    const texts = ['restart the mailer', 'please restart the mailer', 'restart mailer', 'list the users', 'list users']
    const pick = <T>(from: readonly T[], at: number): T => from[at % from.length] as T
    let state = 1
    const next = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state >>> 8
    }
    let proposed = 0
    let crossed = 0
    for (let step = 0; step < 20_000; step++) {
      const [tenant, scope] = [pick(tenants, next()), pick(scopes, next())]
      const one = key(pick(texts, next()), tenant, scope)
      const does = next() % 10
      // The answer says for whom it is.
      const answerHash = JSON.stringify([tenant, scope])
      if (does < 3) index.keep({ key: one, kind: 'answer', answerHash, expiresAtMs: NOW + HOUR_MS })
      else if (does === 3) index.drop(one.hash)
      else {
        const found = index.propose(one, 'answer', NOW)
        if (found) proposed++
        if (found && found.entry.answerHash !== answerHash) crossed++
      }
    }
    expect(proposed).toBeGreaterThan(1_000)
    expect(crossed).toBe(0)
  })
})

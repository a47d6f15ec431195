import { randomUUID } from 'node:crypto'
import { ExecutionId } from '@deed/proto/ids'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LearnedSentence } from './learned-sentence.ts'
import { countUses, disproveLearned, putLearned, readLearned, SENTENCES_MAX } from './learned-sentences.ts'
import { migrations } from './migrations.ts'

let store: TestDatabase<unknown>

beforeAll(async () => {
  store = await testDatabase('hybrid_agent', migrations)
})
afterAll(() => store?.[Symbol.asyncDispose]())

const sentence = (number: number): LearnedSentence => ({
  id: number.toString(16).padStart(12, '0'),
  words: `sentence ${number}`,
  sentence: `sentence ${number}`,
  said: `sentence ${number}`,
  fixed: {},
  meaning: { by: 'rule', rule: 'services/restart', slots: { service: { is: 'billing' } } },
  reading: 'restart billing',
  source: 'choice',
})
const put = (tenant: string, learned: LearnedSentence) =>
  putLearned(store, { tenant, user: 'ada', executionId: ExecutionId.parse(randomUUID()), learned })
const words = async (tenant: string) => (await readLearned(store, tenant)).map((row) => row.words)

describe('learned sentences', () => {
  it(`are ${SENTENCES_MAX} for a tenant: the one that was not used for the longest time goes first`, async () => {
    for (let number = 0; number < SENTENCES_MAX; number++) await put('full', sentence(number))
    await put('other', sentence(0))
    await countUses(store, [{ tenant: 'full', id: sentence(0).id, uses: 3 }])
    await put('full', sentence(SENTENCES_MAX))
    const left = await words('full')
    expect(left).toHaveLength(SENTENCES_MAX)
    expect(left).toContain('sentence 0')
    expect(left).toContain(`sentence ${SENTENCES_MAX}`)
    expect(left).not.toContain('sentence 1')
    expect(await words('other')).toEqual(['sentence 0'])
  })

  it('mean what was proven last', async () => {
    await put('again', sentence(1))
    await put('again', { ...sentence(1), reading: 'restart mailer' })
    expect(await readLearned(store, 'again')).toMatchObject([{ reading: 'restart mailer', uses: 0, used_at: null }])
  })

  it('of a model are candidates, shadows, trusted after three executions with the same plan, and demoted by a failure', async () => {
    const planned: LearnedSentence = { ...sentence(7), source: 'model' }
    const execution = () => ExecutionId.parse(randomUUID())
    const prove = (learned = planned, executionId = execution()) =>
      putLearned(store, { tenant: 'stages', user: 'ada', executionId, learned })
    const state = async () => {
      const [row] = await readLearned(store, 'stages')
      return [row?.stage, row?.proven, row?.failed]
    }
    const first = execution()
    await prove(planned, first)
    // A repeated lesson of one execution proves nothing more.
    await prove(planned, first)
    expect(await state()).toEqual(['candidate', 1, 0])
    await prove()
    expect(await state()).toEqual(['shadow', 2, 0])
    await prove()
    expect(await state()).toEqual(['trusted', 3, 0])
    for (let more = 0; more < 20; more++) await prove()
    const of = { ids: [planned.id], executionId: execution() }
    expect(await disproveLearned(store, 'stages', of)).toBe(1)
    expect(await disproveLearned(store, 'stages', of)).toBe(0)
    expect(await state()).toEqual(['demoted', 3, 1])
    await prove()
    await prove()
    expect(await state()).toEqual(['trusted', 5, 1])
    // Another plan for the same words begins again.
    await prove({ ...planned, meaning: { by: 'rule', rule: 'services/start', slots: {} } })
    expect(await state()).toEqual(['demoted', 1, 1])
  })

  it('that this release cannot read are left out', async () => {
    await put('old', sentence(1))
    await put('old', sentence(2))
    await store.query(
      'spoil',
      `update learned_sentences set meaning = '{"by":"magic"}' where tenant = 'old' and id = $1`,
      [sentence(1).id],
    )
    expect(await words('old')).toEqual(['sentence 2'])
  })
})

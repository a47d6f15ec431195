import { expect, it } from 'vitest'
import { queryOf, readDraft, requestOf, sentencesFor } from './draft.ts'

it('a form is in the address and back, without what is as in an empty form', () => {
  const query = { task: 'restart demo-api', workspace: 'app', criteria: 'a\nb', priority: 'high' }
  expect(queryOf(readDraft(query))).toEqual(query)
  expect(queryOf(readDraft({}))).toEqual({})
})

it('an address that is malformed leaves the form empty there', () => {
  expect(readDraft({ priority: 'urgent', task: 'x'.repeat(3_000) })).toEqual(readDraft({}))
})

it('words that are too long for an address stay in the form alone', () => {
  const draft = { ...readDraft({}), task: 'x'.repeat(3_000) }
  expect(queryOf(draft)).toEqual({})
  expect(requestOf(draft)).toMatchObject({ request: { task: draft.task } })
})

it('a request has what the form says, and nothing for empty fields', () => {
  expect(requestOf(readDraft({ task: 'restart demo-api' }))).toEqual({
    request: { task: 'restart demo-api', priority: 'normal' },
  })
  const query = { task: 't', workspace: 'w', target_file: 'f', criteria: 'a\n\n b', budget: '$0.5', on_failure: 'ask' }
  expect(requestOf(readDraft(query))).toEqual({
    request: {
      task: 't',
      priority: 'normal',
      on_failure: 'ask',
      context: { workspace: 'w', target_file: 'f' },
      acceptance_criteria: ['a', ' b'],
      budget_usd: 0.5,
    },
  })
})

it('a form without words, or with a budget that is no number, says what to change', () => {
  expect(requestOf(readDraft({ task: '  ' }))).toHaveProperty('fault')
  expect(requestOf(readDraft({ task: 't', budget: 'much' }))).toHaveProperty('fault')
  expect(requestOf(readDraft({ task: 't', budget: '-1' }))).toHaveProperty('fault')
})

it('sentences of this world have all the words, and those that begin with them come first', () => {
  const examples = ['is demo-db running?', 'please restart demo-web', 'restart demo-api', 'restart demo-api']
  const packs = [{ rules: [{ examples }] }] as unknown as Parameters<typeof sentencesFor>[1]
  expect(sentencesFor('restart demo', packs)).toEqual(['restart demo-api', 'please restart demo-web'])
  expect(sentencesFor('', packs, 2)).toEqual(['is demo-db running?', 'please restart demo-web'])
  expect(sentencesFor('stop', packs)).toEqual([])
})

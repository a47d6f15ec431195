// What a reader is told of rows that were counted.
import type { AnswerFormat } from '@deed/proto/agent'
import type { JsonObject } from '@deed/proto/json'
import { expect, it } from 'vitest'
import type { Snapshot } from '../execution/snapshot.ts'
import { aggregate } from '../reconcile/result.ts'

const FORMAT: AnswerFormat = { kind: 'count_by_label', noun: 'databases', singular: 'database' }

function textOf(rows: JsonObject[], answer: AnswerFormat = FORMAT): string {
  const task = { actual_status: 'done', result: { text: '', data: { rows } } }
  const snapshot = {
    execution: { status: 'done' },
    tasks: new Map([['one', task]]),
    parts: [{ title: 'count them', answer, tasks: ['one'] }],
  }
  return aggregate(snapshot as unknown as Snapshot).text
}

it.each([
  [
    [
      { label: 'US', count: 2 },
      { label: 'box', count: 2 },
    ],
    '4 databases: 2 US, 2 box',
  ],
  [[{ label: 'city', count: 1 }], '1 database: 1 city'],
  [[{ label: null, count: 3 }], '3 databases: 3 -'],
  [[{ label: 'databases', count: 2 }], '2 databases'],
  [[], 'no databases'],
])('counts %j, and repeats the labels as they are', (rows, text) => {
  expect(textOf(rows)).toBe(text)
})

it('repeats the noun as it is where nobody has said what one of them is called', () => {
  expect(textOf([{ label: 'US', count: 1 }], { kind: 'count_by_label', noun: 'houses' })).toBe('1 houses: 1 US')
})

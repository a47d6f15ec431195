// What a reader is told of rows that were counted.
import type { AnswerFormat } from '@deed/proto/agent'
import type { JsonObject } from '@deed/proto/json'
import { describe, expect, it } from 'vitest'
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

describe('actions that are asked about by what they found', () => {
  const service = (target: string, state: string) => ({ text: `${target} is ${state}`, data: { target, state } })
  const answer = (asks: 'which' | 'all', ...results: ReturnType<typeof service>[]): string => {
    const snapshot = {
      execution: { status: 'done' },
      tasks: new Map(results.map((result) => [result.data.target, { actual_status: 'done', result }])),
      parts: [
        {
          title: 'look at them',
          answer: { kind: 'matching', noun: 'services', where: { state: ['running'] }, words: 'are up', asks },
          tasks: results.map(({ data }) => data.target),
        },
      ],
    }
    return aggregate(snapshot as unknown as Snapshot).text
  }
  const api = service('api', 'running')
  const mail = service('mail', 'stopped')

  it('are counted, and those that match are named', () => {
    expect(answer('which', api, mail)).toBe('1 of 2 services are up: api is running')
    expect(answer('which', mail)).toBe('none of 1 services are up')
    expect(answer('which', api, service('web', 'running'))).toBe(
      'all 2 services are up: api is running; web is running',
    )
  })

  it('are named where they do not match, if all of them should', () => {
    expect(answer('all', api, mail)).toBe('1 of 2 services are up: mail is stopped')
    expect(answer('all', api)).toBe('all 1 services are up')
  })
})

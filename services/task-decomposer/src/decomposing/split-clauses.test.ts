import { describe, expect, it } from 'vitest'
import { ONE_TASK, ORDERED, REFERRING, SEVERAL } from '../../test/sentences.ts'
import { decompose } from './decompose.ts'

const descriptionsOf = (text: string): string[] => decompose({ goal: text }).nodes.map(({ description }) => description)

/** As `title`, or as `title <- numbers of its dependencies`. */
function tasksOf(text: string): string[] {
  return decompose({ goal: text }).nodes.map(({ title, depends_on }) =>
    depends_on.length === 0 ? title : `${title} <- ${depends_on.map((id) => id.slice(5)).join(' ')}`,
  )
}

describe('a goal in plain words', () => {
  it.each(ONE_TASK)('stays one task: %s', (text) => {
    const { method, nodes } = decompose({ goal: text })
    expect(nodes.map(({ title }) => title)).toHaveLength(1)
    expect(method).toBe('single')
    expect(nodes[0]).toMatchObject({ id: 'task-1', kind: 'task', description: text, depends_on: [] })
  })

  it.each(SEVERAL)('is several tasks: %s', (text, ...tasks) => {
    expect(tasksOf(text)).toEqual(tasks)
    expect(decompose({ goal: text }).method).toBe('clauses')
  })

  it.each(REFERRING)('names what a pronoun means: %s', (text, ...tasks) => {
    expect(tasksOf(text)).toEqual(tasks)
  })

  it.each(ORDERED)('is done in the order of its words: %s', (text, ...tasks) => {
    expect(tasksOf(text)).toEqual(tasks)
  })

  it.each([
    [
      'In workspace shop, create a.txt and delete b.txt',
      ['In workspace shop, create a.txt', 'In workspace shop, delete b.txt'],
    ],
    [
      'The demo-api is slow. Check web-01, then restart worker-2.',
      ['The demo-api is slow. Check web-01.', 'The demo-api is slow. restart worker-2.'],
    ],
    [
      'Restart demo-api. Then check web-01. Do not touch worker-2.',
      ['Restart demo-api. Do not touch worker-2.', 'check web-01. Do not touch worker-2.'],
    ],
    [
      'Set up the shop:\n1. Create a.txt\n2. Delete b.txt',
      ['Set up the shop:\nCreate a.txt', 'Set up the shop:\nDelete b.txt'],
    ],
    [
      'create a consumer for orders and write tests for the parser (elixir)',
      ['create a consumer for orders (elixir)', 'write tests for the parser (elixir)'],
    ],
  ])('keeps what the tasks share with each of them: %s', (text, descriptions) => {
    expect(decompose({ goal: text }).nodes.map(({ description }) => description)).toEqual(descriptions)
  })

  it('forbids in every task what one of ten clauses forbids', () => {
    const clauses = Array.from({ length: 10 }, (_, index) => `restart svc-${index}`)
    for (let place = 1; place <= clauses.length; place++)
      for (const forbidding of ['do not touch svc-x', "don't restart svc-x", 'never stop svc-x', 'leave svc-x alone']) {
        const text = `${[...clauses.slice(0, place), forbidding, ...clauses.slice(place)].join(', ')}, then restart everything`
        const descriptions = descriptionsOf(text)
        expect(descriptions).toHaveLength(11)
        for (const description of descriptions) expect(description.toLowerCase(), text).toContain(forbidding)
      }
  })

  it('forbids it in every sentence and item, too', () => {
    for (const text of [
      "restart demo-api but don't touch test-service. Then restart all services.",
      "- restart demo-api, but don't touch test-service\n- restart all services",
      "Restart demo-api. Don't touch test-service. Restart all services.",
      "restart demo-api and, please, don't touch test-service; restart all services",
    ])
      for (const description of descriptionsOf(text)) expect(description).toMatch(/don't touch test-service/i)
  })

  it('forbids it in what follows, too', () => {
    for (const description of descriptionsOf('restart demo-api without touching web-01, then restart all services'))
      expect(description).toMatch(/without touching web-01/i)
  })

  it('stays a question in every clause, unless the question is a polite order', () => {
    expect(descriptionsOf('restart demo-api and start test-service?')).toEqual([
      'restart demo-api?',
      'start test-service?',
    ])
    expect(descriptionsOf('Could you restart demo-api and start test-service?')).toEqual([
      'restart demo-api',
      'start test-service',
    ])
  })

  it('says nothing of the order in a task that is done alone', () => {
    expect(descriptionsOf('First, restart demo-api. Then check web-01.')).toEqual([
      'restart demo-api.',
      'check web-01.',
    ])
  })
})

// What is wrong with a value, as a person reads it.
import { expect, it } from 'vitest'
import { z } from 'zod'
import { faultLines, IN_SENTENCES } from './fault-sentence.ts'

const Shape = z.strictObject({
  command: z.array(z.string()).min(1),
  count: z.int().min(1),
  mode: z.enum(['fast', 'slow']),
  name: z.string().min(1),
  url: z.url(),
  target: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('process'), command: z.array(z.string()) }),
    z.strictObject({ type: z.literal('http') }),
  ]),
  match: z.union([z.string(), z.array(z.string())]),
  port: z.coerce.number().int(),
  allow: z.array(z.string()).max(1),
})
const RIGHT = {
  command: ['ls'],
  count: 1,
  mode: 'fast',
  name: 'a',
  url: 'http://127.0.0.1/',
  target: { type: 'http' },
  match: 'x',
  port: '1',
  allow: [],
}

const linesOf = (value: unknown): string[] => {
  const { error } = Shape.safeParse(value, IN_SENTENCES)
  return error ? faultLines(error) : []
}

it('finds nothing wrong with what is right', () => {
  expect(linesOf(RIGHT)).toEqual([])
})

it.each([
  [{ command: 'ls' }, 'command: must be a list, not text'],
  [{ command: [] }, 'command: must not be empty'],
  [{ command: [1] }, 'command.0: must be text, not 1'],
  [{ command: undefined }, 'command: is missing; it must be a list'],
  [{ command: null }, 'command: must be a list, not empty'],
  [{ count: 0 }, 'count: must be at least 1, not 0'],
  [{ count: 1.5 }, 'count: must be a whole number, not 1.5'],
  [{ mode: 'fats' }, 'mode: must be one of fast, slow, not "fats"'],
  [{ mode: undefined }, 'mode: is missing; it must be one of fast, slow'],
  [{ name: '' }, 'name: must not be empty'],
  [{ url: 'nowhere' }, 'url: must be a URL, such as https://example.com/path, not text'],
  [{ target: { type: 'htpp' } }, 'target.type: must be one of process, http, not "htpp"'],
  [{ target: { type: 'process', command: 'ls' } }, 'target.command: must be a list, not text'],
  [{ target: { type: 'http', ulr: 1 } }, 'target: unknown key "ulr"; known keys are type'],
  [{ match: 5 }, 'match: must be text or a list, not 5'],
  [{ match: [5] }, 'match: 0: must be text, not 5'],
  [{ port: 'x' }, 'port: must be a number'],
  [{ allow: ['a', 'b'] }, 'allow: must have at most 1 entry'],
  [{ conut: 1 }, '$: unknown key "conut"; did you mean "count"?'],
])('says of %j what was found and what is expected', (wrong, line) => {
  expect(linesOf({ ...RIGHT, ...wrong })).toEqual([line])
})

it('does not repeat text, which may be a secret', () => {
  const lines = linesOf({ ...RIGHT, url: 'hunter2', count: 'hunter2', command: 'hunter2', allow: 'hunter2' })
  expect(lines.length).toBeGreaterThan(3)
  expect(lines.join()).not.toContain('hunter2')
})

// One schema with every kind of error.
import { DeedError } from '@deed/proto/errors'
import { ExecutionRequest } from '@deed/proto/execution'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { validate } from './validate.ts'

const Shape = z.strictObject({
  task: z.string().max(8),
  budget: z.number().min(0).max(10).optional(),
  count: z.int().min(1).default(1),
  mode: z.enum(['fast', 'slow']).optional(),
  way: z.union([z.enum(['up', 'down']), z.int()]).default(0),
  unit: z.enum(['s', 'ms']).default('s'),
  list: z.array(z.strictObject({ name: z.string().min(1) })).optional(),
})

const refusalOf = (schema: z.ZodType, value: unknown): DeedError['body'] => {
  try {
    validate(schema, value)
  } catch (error) {
    if (error instanceof DeedError) return error.body
    throw error
  }
  throw new Error('it was not refused')
}

describe('a value', () => {
  it('gets its defaults', () => {
    expect(validate(Shape, { task: 'x' })).toEqual({ task: 'x', count: 1, way: 0, unit: 's' })
  })

  it.each([
    [{}, 'missing_field', '$.task', 'task is missing; it must be a string'],
    [{ task: 1 }, 'invalid_request', '$.task', 'task must be a string'],
    [null, 'invalid_request', '$', 'the message must be an object'],
    [[], 'invalid_request', '$', 'the message must be an object'],
    ['x', 'invalid_request', '$', 'the message must be an object'],
    [{ tsak: 'x', task: 'x' }, 'unknown_field', '$.tsak', 'there is no field "tsak"; did you mean "task"?'],
    [{ task: 'x', zzzzzzz: 1 }, 'unknown_field', '$.zzzzzzz', 'there is no field "zzzzzzz"; remove it'],
    [{ task: 'x', list: [{ nmae: 'a', name: 'a' }] }, 'unknown_field', '$.list[0].nmae', 'did you mean "name"?'],
    [{ task: 'x', list: [{}] }, 'missing_field', '$.list[0].name', 'list[0].name is missing'],
    [{ task: 'x', list: [{ name: '' }] }, 'invalid_request', '$.list[0].name', 'at least 1 long'],
    [{ task: '123456789' }, 'invalid_request', '$.task', 'task must be at most 8 long'],
    [{ task: 'x', budget: '5' }, 'invalid_number', '$.budget', 'budget must be a finite number'],
    [{ task: 'x', budget: Number.POSITIVE_INFINITY }, 'invalid_number', '$.budget', 'budget must be a finite number'],
    [{ task: 'x', budget: -1 }, 'out_of_range', '$.budget', 'budget must be at least 0'],
    [{ task: 'x', budget: 11 }, 'out_of_range', '$.budget', 'budget must be at most 10'],
    [{ task: 'x', count: 0 }, 'out_of_range', '$.count', 'count must be at least 1'],
    [{ task: 'x', count: 1.5 }, 'invalid_number', '$.count', 'count must be'],
    [{ task: 'x', way: 'left' }, 'invalid_request', '$.way', 'way must be one of up, down or a number, not text'],
    [{ task: 'x', mode: 1e9 }, 'out_of_range', '$.mode', 'mode must be one of fast, slow'],
  ])('%j is refused as %s at %s', (value, code, path, message) => {
    expect(refusalOf(Shape, value)).toEqual({
      code,
      path,
      retryable: false,
      message: expect.stringContaining(message),
    })
  })

  it('is refused for the missing field, whatever its type', () => {
    const { way, unit } = Shape.shape
    const wanting = z.strictObject({ way: way.unwrap(), unit: unit.unwrap() })
    expect(refusalOf(wanting, { unit: 's' })).toMatchObject({ code: 'missing_field', path: '$.way' })
    expect(refusalOf(wanting, { way: 1 })).toMatchObject({
      ...{ code: 'missing_field', path: '$.unit' },
      message: 'unit is missing; it must be one of s, ms',
    })
  })

  it('is refused with a short message, however long its keys are', () => {
    const long = 'k'.repeat(500_000)
    for (const value of [
      { task: 'x', [long]: 1 },
      { task: 'x', list: [{ name: 'a', [long]: 1 }] },
    ]) {
      expect(JSON.stringify(refusalOf(Shape, value)).length).toBeLessThan(500)
    }
  })

  it('that cannot be sent as a request is refused by name', () => {
    for (const budget of [-1, JSON.parse('1e999'), '5', Number.NaN]) {
      expect(refusalOf(ExecutionRequest, { task: 'x', budget_usd: budget })).toMatchObject({
        code: expect.stringMatching(/^(invalid_number|out_of_range)$/),
        path: '$.budget_usd',
      })
    }
  })
})

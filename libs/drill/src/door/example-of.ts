/** A value that a schema takes, made of the schema itself, with every field that it may have. */
import type { Json } from '@deed/proto/json'
import { z } from 'zod'

const DAY_MS = 86_400_000

/** Tried in this order; one that no schema here had to be tried with before goes to the end. */
const TEXTS = [
  'create the folder here',
  'a',
  'file.read',
  '018f2f64-7a4e-7cc3-98a1-1f2e3d4c5b6a',
  '2026-11-21T08:15:02.118Z',
  'http://127.0.0.1:1/',
  'ab12'.repeat(16),
  '0644',
  new Date(Date.now() + DAY_MS).toISOString(),
]
const NUMBERS = [1, 0, 0.5, 1_000, 100]
/** Of schemas that hold themselves. */
const DEPTH_MAX = 8

/** @throws where no value is found; then the schema needs a candidate above */
export function exampleOf(schema: z.ZodType): Json {
  const example = candidates(schema, 0).find((candidate) => schema.safeParse(candidate).success)
  if (example === undefined) throw new Error(`no example is found for ${JSON.stringify(z.toJSONSchema(schema))}`)
  return example
}

function candidates(schema: unknown, depth: number): Json[] {
  if (depth > DEPTH_MAX) return []
  const inside = (inner: unknown): Json[] => candidates(inner, depth + 1)
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable) {
    return inside(schema.unwrap())
  }
  if (schema instanceof z.ZodLazy) return inside(schema.unwrap())
  if (schema instanceof z.ZodLiteral) return [...schema.values].flatMap((value) => (isScalar(value) ? [value] : []))
  if (schema instanceof z.ZodEnum) return Object.values(schema.enum)
  if (schema instanceof z.ZodBoolean) return [true]
  if (schema instanceof z.ZodNumber) return NUMBERS
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(inside)
  if (schema instanceof z.ZodArray) return [takenBy(schema.element, inside(schema.element)).slice(0, 1)]
  if (schema instanceof z.ZodRecord) return [{ key: takenBy(schema.valueType, inside(schema.valueType))[0] ?? null }]
  if (schema instanceof z.ZodObject) return [objectOf(schema, inside)]
  return TEXTS
}

/** Every field, as far as the object's own conditions take them together. */
function objectOf(schema: z.ZodObject, inside: (inner: unknown) => Json[]): Json {
  const fields = Object.entries(schema.shape).flatMap(([name, field]) => {
    const [value] = takenBy(field, inside(field))
    return value === undefined ? [] : [{ name, value, optional: takes(field, undefined) }]
  })
  const made: Record<string, Json> = {}
  for (const { name, value } of fields.filter(({ optional }) => !optional)) made[name] = value
  for (const { name, value } of fields.filter(({ optional }) => optional)) {
    if (takes(schema, { ...made, [name]: value }) || !takes(schema, made)) made[name] = value
  }
  return made
}

const takes = (schema: unknown, value: unknown): boolean =>
  schema instanceof z.ZodType && schema.safeParse(value).success

const takenBy = (schema: unknown, values: readonly Json[]): Json[] => values.filter((value) => takes(schema, value))

const isScalar = (value: unknown): value is string | number | boolean | null =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value)

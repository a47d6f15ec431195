/** What the fields of a schema are called, for a table. */
import { z } from 'zod'

/** Of an object its keys, of one of several objects those of each: `{task, language?}`. */
export function fieldsOf(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return shapeOf(json, json)
}

type JsonSchema = z.core.JSONSchema.BaseSchema

function shapeOf(schema: JsonSchema, root: JsonSchema): string {
  const { $ref, anyOf, oneOf, allOf, properties, required = [] } = schema
  if ($ref !== undefined) return shapeOf(root.$defs?.[$ref.slice('#/$defs/'.length)] as JsonSchema, root)
  const several = (anyOf ?? oneOf ?? allOf) as JsonSchema[] | undefined
  if (several) return [...new Set(several.map((one) => shapeOf(one, root)))].join(' or ')
  const keys = Object.keys(properties ?? {}).map((key) => (required.includes(key) ? key : `${key}?`))
  return `{${keys.join(', ')}}`
}

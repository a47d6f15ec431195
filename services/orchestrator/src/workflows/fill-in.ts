/** Values in place of `{{name}}`; a placeholder that is the whole of a text becomes the value as it is. */
import type { Json } from '@deed/proto/json'

const PLACEHOLDER = /\{\{\s*([a-z][a-z0-9_]*)\s*\}\}/g

/** The names in all texts of a value. `{{secret.name}}` is none. */
export function placeholdersIn(value: Json): string[] {
  return textsIn(value).flatMap((text) => [...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name))
}

/** A placeholder without a value stays. What a value contains is not read again. */
export function fillIn<Value extends Json>(value: Value, values: Readonly<Record<string, Json>>): Json {
  if (typeof value === 'string') return fillText(value, values)
  if (Array.isArray(value)) return value.map((one) => fillIn(one, values))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fillIn(one, values)]))
}

function fillText(text: string, values: Readonly<Record<string, Json>>): Json {
  const [whole] = text.matchAll(PLACEHOLDER)
  const name = whole?.[1] ?? ''
  if (whole?.[0] === text.trim() && Object.hasOwn(values, name)) return values[name] as Json
  return text.replace(PLACEHOLDER, (found, one: string) => {
    if (!Object.hasOwn(values, one)) return found
    const given = values[one] as Json
    return typeof given === 'string' ? given : JSON.stringify(given)
  })
}

function textsIn(value: Json): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap((one) => textsIn(one as Json))
}

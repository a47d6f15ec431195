/** Any JSON value, and JSON objects with arbitrary fields. */
import { z } from 'zod'

export const Json = z.json()
export type Json = z.output<typeof Json>

export const JsonObject = z.record(z.string(), Json)
export type JsonObject = z.output<typeof JsonObject>

/** An object in which no property is `undefined`: one that may be is optional instead. */
export type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** The properties that have a value; `null` is one. */
export function defined<T extends object>(values: T): Defined<T> {
  const found: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(values)) if (value !== undefined) found[name] = value
  return found as Defined<T>
}

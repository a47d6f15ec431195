/** Any JSON value, and JSON objects whose fields nobody here knows. */
import { z } from 'zod'

export const Json = z.json()
export type Json = z.output<typeof Json>

export const JsonObject = z.record(z.string(), Json)
export type JsonObject = z.output<typeof JsonObject>

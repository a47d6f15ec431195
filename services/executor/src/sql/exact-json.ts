/** Values of a request that are to reach a database, and numbers in them that JSON has rounded on the way. */
import { Json } from '@deed/proto/json'
import { z } from 'zod'

/** An integer beyond 2^53 may be another one than was written. */
export const ExactJson = Json.superRefine((value, context) => {
  const rounded = roundedIn(value)
  if (rounded !== undefined)
    context.addIssue({
      code: 'custom',
      message: `${rounded} is too large to be exact as a number; write it as a string: "${rounded}"`,
    })
})

/** For $1, $2 and so on. */
export const Params = z.array(ExactJson).max(100).default([])

function roundedIn(value: Json): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value) ? value : undefined
  if (typeof value !== 'object' || value === null) return undefined
  return Object.values(value)
    .map(roundedIn)
    .find((one) => one !== undefined)
}

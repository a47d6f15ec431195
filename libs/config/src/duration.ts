/** Durations in configuration files. */
import { z } from 'zod'

const MS_OF = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
const FORM = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/
const MESSAGE = 'must be a number of seconds, or text such as "500ms", "10s" or "2m"'

/**
 * A number of seconds, or text such as "500ms", "10s" or "2m".
 *
 * @returns a schema whose value is in whole milliseconds, `fallback` if the key is omitted
 */
export const duration = ({ min, max, fallback }: { min: number; max: number; fallback: number }) =>
  z
    .union([z.number(), z.string().regex(FORM, MESSAGE)], MESSAGE)
    .transform(milliseconds)
    .refine((ms) => ms >= min && ms <= max, `must be between ${min / 1_000} s and ${max / 1_000} s`)
    .default(fallback)

function milliseconds(given: number | string): number {
  if (typeof given === 'number') return Math.round(given * 1_000)
  const [, amount, unit] = FORM.exec(given)!
  return Math.round(Number(amount) * MS_OF[unit as keyof typeof MS_OF])
}

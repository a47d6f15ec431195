/** What is typed on a command line, turned into values. */
import { IN_SENTENCES } from '@deed/config/fault-sentence'
import { decodeJson } from '@deed/json/decode'
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import { InvalidArgumentError, Option } from 'commander'
import type { z } from 'zod'

/** A parser for an option, by the schema that the message has for it. */
export function by<S extends z.ZodType<unknown>>(schema: S): (text: string) => z.output<S> {
  return (text) => {
    const { data, error } = schema.safeParse(text, IN_SENTENCES)
    if (error) throw new InvalidArgumentError(error.issues.map(({ message }) => message).join('; '))
    return data as z.output<S>
  }
}

/** One of a few words; completed by shells. */
export const choice = (flags: string, description: string, schema: { options: readonly string[] }): Option =>
  new Option(flags, description).choices(schema.options)

/** An option that may be given several times. */
export const collect = (text: string, before: string[] = []): string[] => [...before, text]

/** `key=value`, several times; a value that is JSON is taken as that, any other as text. */
export function collectPairs(text: string, before: Record<string, unknown> = {}): Record<string, unknown> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('must be key=value')
  return { ...before, [text.slice(0, at)]: jsonOrText(text.slice(at + 1)) }
}

function jsonOrText(text: string): unknown {
  try {
    JSON.parse(text)
  } catch {
    return text
  }
  return json(text)
}

/** JSON that is typed, as strict as at the mesh's doors. */
export function json(text: string): Json {
  try {
    return decodeJson(Buffer.from(text), { exactIntegers: true })
  } catch (error) {
    if (error instanceof DeedError) throw new InvalidArgumentError(error.message)
    throw error
  }
}

export function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('must be a number')
  return value
}

export function count(text: string): number {
  const value = number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('must be a whole number, 1 or more')
  return value
}

const SECONDS_MAX = 2_000_000

/** Seconds, or a time such as `90s` or `2m`. @returns milliseconds */
export function seconds(text: string): number {
  if (/[a-z]$/.test(text)) return span(text)
  const value = number(text)
  if (value <= 0 || value > SECONDS_MAX) throw new InvalidArgumentError(`must be seconds, up to ${SECONDS_MAX}`)
  return Math.ceil(value * 1_000)
}

/** `--timeout`, which is typed in seconds and used in milliseconds. */
export const timeoutOption = (description: string, defaultMs: number): Option =>
  new Option('--timeout <time>', description).argParser(seconds).default(defaultMs, `${defaultMs / 60_000}m`)

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `30s`, `5m`, `2h`, `1d`, `500ms`. @returns milliseconds */
export function span(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,9})(ms|[smhd])$/.exec(text) ?? []
  if (amount === undefined) throw new InvalidArgumentError('must be a time such as 30s, 5m, 2h or 1d')
  return Number(amount) * (unit === 'ms' ? 1 : (UNITS[unit] ?? 0))
}

/** A date and time, or how long ago: `30m`, `2h`, `7d`. @returns RFC 3339 */
export const moment = (text: string): string => momentFrom(text, -1)

/** The same, with how long from now. */
export const momentAhead = (text: string): string => momentFrom(text, 1)

function momentFrom(text: string, direction: 1 | -1): string {
  const [, amount, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? []
  const span = Number(amount) * (UNITS[unit] ?? 0)
  const at = amount === undefined ? new Date(text) : new Date(Date.now() + direction * span)
  if (Number.isNaN(at.getTime()))
    throw new InvalidArgumentError('must be a time such as 2026-11-21T08:00Z, or 30m, 2h, 7d')
  return at.toISOString()
}

export function levelToTwo(text: string): 1 | 2 {
  if (text !== '1' && text !== '2') throw new InvalidArgumentError('must be 1 or 2')
  return text === '1' ? 1 : 2
}

/** Validates a value against its schema; the error says what to change. */
import { IN_SENTENCES } from '@deed/config/fault-sentence'
import { nearest } from '@deed/config/nearest'
import { DeedError, type ErrorCode } from '@deed/proto/errors'
import { z } from 'zod'
import { shownKey } from './shown-key.ts'

/** @throws {DeedError} that names the first thing to change, with its path */
export function validate<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  // With the input, to tell an absent field from one of another type.
  const result = schema.safeParse(value, { ...IN_SENTENCES, reportInput: true })
  if (result.success) return result.data
  throw refusal(schema, result.error.issues)
}

function refusal(schema: z.ZodType, issues: readonly z.core.$ZodIssue[]): DeedError {
  const issue = issues[0]
  if (!issue)
    return new DeedError(
      'invalid_request',
      "the message does not match its subject's schema; see the subject's contract",
      { path: '$' },
    )
  const path = pathText(issue.path)
  const field = path === '$' ? 'the message' : path.slice(2)
  const { code, message } = explain(schema, issue, field)
  const unknown = issue.code === 'unrecognized_keys' ? shownKey(issue.keys[0] ?? '') : undefined
  return new DeedError(code, message, { path: unknown === undefined ? path : `${path}.${unknown}` })
}

function explain(schema: z.ZodType, issue: z.core.$ZodIssue, field: string): { code: ErrorCode; message: string } {
  switch (issue.code) {
    case 'unrecognized_keys': {
      const key = issue.keys[0] ?? ''
      const guess = nearest(key, fieldsAt(schema, issue.path))
      return {
        code: 'unknown_field',
        message: `there is no field "${shownKey(key)}"${guess === undefined ? '; remove it' : `; did you mean "${guess}"?`}`,
      }
    }
    case 'invalid_type':
      if (isMissing(issue)) {
        return { code: 'missing_field', message: `${field} is missing; it must be ${article(issue.expected)}` }
      }
      if (issue.expected === 'number' || issue.expected === 'int') {
        return { code: 'invalid_number', message: `${field} must be a finite number` }
      }
      return { code: 'invalid_request', message: `${field} must be ${article(issue.expected)}` }
    case 'too_small':
    case 'too_big':
      if (issue.origin === 'number' || issue.origin === 'int') {
        const bound = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`
        return { code: 'out_of_range', message: `${field} must be ${bound}` }
      }
      return {
        code: 'invalid_request',
        message: `${field} must be ${
          issue.code === 'too_small' ? `at least ${issue.minimum} long` : `at most ${issue.maximum} long`
        }`,
      }
    case 'invalid_value': {
      const choice = `must be one of ${issue.values.map((value) => String(value)).join(', ')}`
      return isMissing(issue)
        ? { code: 'missing_field', message: `${field} is missing; it ${choice}` }
        : { code: 'out_of_range', message: `${field} ${choice}` }
    }
    case 'invalid_union':
      if (isMissing(issue)) return { code: 'missing_field', message: `${field} is missing` }
      return { code: 'invalid_request', message: `${field} ${issue.message}` }
    default:
      return {
        code: 'invalid_request',
        message: `${field}${/^(must|is|has) /.test(issue.message) ? '' : ':'} ${issue.message}`,
      }
  }
}

/** Distinguishes absent from wrong: JSON has no undefined. */
const isMissing = (issue: z.core.$ZodIssue): boolean => issue.input === undefined && issue.path.length > 0

/** The keys of the object at a path, as far as the schema consists of objects and lists. */
function fieldsAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: unknown = schema
  for (const step of path) {
    const holder = unwrapped(current)
    if (holder instanceof z.ZodArray) current = holder.element
    else if (holder instanceof z.ZodObject) current = holder.shape[String(step)]
    else return []
  }
  const object = unwrapped(current)
  return object instanceof z.ZodObject ? Object.keys(object.shape) : []
}

function unwrapped(schema: unknown): unknown {
  let current = schema
  while (current instanceof z.ZodOptional || current instanceof z.ZodDefault || current instanceof z.ZodNullable) {
    current = current.unwrap()
  }
  return current
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : `${text}.${shownKey(String(step))}`),
    '$',
  )
}

function article(expected: string): string {
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`
}

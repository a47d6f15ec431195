/** What a schema finds wrong, in sentences: where it is, what was found there, and what is expected instead. */
import { z } from 'zod'
import { didYouMean, nearest } from './nearest.ts'

const FOUND_CHARS_MAX = 40

const NAMES: Record<string, string> = {
  array: 'a list',
  object: 'a map of keys and values',
  record: 'a map of keys and values',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  null: 'null',
}

const FORMATS: Record<string, string> = {
  url: 'a URL, such as https://example.com/path',
  uuid: 'an id (UUID)',
  email: 'an e-mail address',
  datetime: 'a date and time, such as 2026-11-21T08:00:00Z',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  date: 'a date, such as 2026-11-21',
}

/**
 * To be given to `safeParse`: a fault that the schema has no words of its own for becomes a sentence without the path,
 * such as `must be a list, not text`. Text that was found is shown only where it should have been one of a few words,
 * since anywhere else it may be a secret.
 */
export const IN_SENTENCES: z.core.ParseContext<z.core.$ZodIssue> = { error: (issue) => sentenceOf(issue) }

/** A line for each fault: `targets.api.command: must be a list, not text "ls"`. */
export const faultLines = ({ issues }: z.core.$ZodError): string[] =>
  issues.map(({ path, message }) => `${yamlPath(path)}: ${message}`)

/** As it is written in YAML or in the environment; `$` is the whole. */
export const yamlPath = (path: readonly PropertyKey[]): string => (path.length === 0 ? '$' : path.map(String).join('.'))

function sentenceOf(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return expected(NAMES[issue.expected] ?? issue.expected, issue.input)
    case 'invalid_value':
      return choice(issue.values.map(String), issue.input)
    case 'unrecognized_keys':
      return unknownKeys(issue.keys, keysOf(issue.inst))
    case 'too_small':
    case 'too_big':
      return `${sizeOf(issue)}${typeof issue.input === 'number' ? foundAfter(issue.input) : ''}`
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}${foundAfter(issue.input)}`
    case 'invalid_format':
      return formatOf(issue)
    case 'invalid_union':
      return unionOf(issue)
    case 'invalid_key':
      return `has a key that cannot be used: ${issue.issues[0]?.message ?? 'it has another form'}`
    default:
      return issue.message ?? 'has a value that cannot be used'
  }
}

const expected = (what: string, input: unknown): string =>
  input === undefined ? `is missing; it must be ${what}` : `must be ${what}${foundAfter(input)}`

function choice(values: readonly string[], input: unknown): string {
  const what = `${values.length > 1 ? 'one of ' : ''}${values.join(', ')}`
  if (typeof input !== 'string' || input.length > FOUND_CHARS_MAX) return expected(what, input)
  return `must be ${what}, not ${JSON.stringify(input)}`
}

const unknownKeys = (keys: readonly string[], known: readonly string[]): string =>
  keys.map((key) => `unknown key ${JSON.stringify(key)}${didYouMean(nearest(key, known), known)}`).join('; ')

const keysOf = (schema: unknown): string[] => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : [])

const foundAfter = (input: unknown): string => {
  const found = foundOf(input)
  return found === undefined ? '' : `, not ${found}`
}

function foundOf(input: unknown): string | undefined {
  if (input === undefined) return undefined
  if (input === null) return 'empty'
  if (Array.isArray(input)) return input.length === 0 ? 'an empty list' : 'a list'
  if (typeof input === 'object') return 'a map of keys and values'
  // A variable of the environment that is no number.
  if (Number.isNaN(input)) return undefined
  return typeof input === 'string' ? 'text' : String(input)
}

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const UNITS: Record<string, [one: string, many: string]> = {
  string: ['character', 'characters'],
  array: ['entry', 'entries'],
  object: ['key', 'keys'],
  record: ['key', 'keys'],
}

function sizeOf(issue: Extract<z.core.$ZodRawIssue, { code: 'too_small' | 'too_big' }>): string {
  const { origin, inclusive } = issue
  const small = issue.code === 'too_small'
  const limit = Number(small ? issue.minimum : issue.maximum)
  const bound = inclusive === false ? (small ? 'more than' : 'less than') : small ? 'at least' : 'at most'
  const [one, many] = UNITS[origin] ?? []
  if (one === undefined) return `must be ${bound} ${limit}`
  if (small && limit === 1 && inclusive !== false) return 'must not be empty'
  return `must have ${bound} ${limit} ${limit === 1 ? one : many}`
}

function formatOf(issue: z.core.$ZodRawIssue): string {
  const { format, pattern, prefix } = issue as z.core.$ZodIssueInvalidStringFormat & { prefix?: string }
  if (format === 'starts_with') return `must begin with ${JSON.stringify(prefix)}${foundAfter(issue.input)}`
  const known = FORMATS[format]
  if (known !== undefined) return `must be ${known}${foundAfter(issue.input)}`
  return `must match ${format === 'regex' ? pattern : format}${foundAfter(issue.input)}`
}

/** The one form that was meant, where the value shows it; else the forms that there are. */
function unionOf(issue: Extract<z.core.$ZodRawIssue, { code: 'invalid_union' }>): string {
  const { discriminator, input, inst } = issue
  const errors = issue.errors as z.core.$ZodIssue[][]
  if (discriminator !== undefined && inst instanceof z.ZodDiscriminatedUnion) {
    const values = [...(inst._zod.propValues[String(discriminator)] ?? [])].map(String)
    return choice(values, isMap(input) ? input[String(discriminator)] : undefined)
  }
  const meant = errors.filter((branch) => branch.every(({ path }) => path.length > 0))
  const [only] = meant
  if (only?.[0] && meant.length === 1) return `${yamlPath(only[0].path)}: ${only[0].message}`
  const forms = errors.flatMap((branch) => branch.filter(({ path }) => path.length === 0)).map(({ message }) => message)
  const wanted = [...new Set(forms.map((text) => /^(?:is missing; it )?must be (.+?)(?:, not .+)?$/.exec(text)?.[1]))]
  if (wanted.length > 0 && wanted.every((one) => one !== undefined)) return expected(wanted.join(' or '), input)
  return `matches none of the allowed forms${foundAfter(input)}`
}

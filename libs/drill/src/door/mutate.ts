/** Requests that are almost right: a good one, in which something is changed, in its values or in its bytes. */
import type { Json, JsonObject } from '@deed/proto/json'
import type { Random } from '../harness/random.ts'

const LONG = 70_000
const WIDE = 1_001
const SMALL = 500
const DEEP = 40
const CHANGES_MAX = 3

/** Values to put in the place of valid ones. */
const HOSTILE: readonly Json[] = [
  ...[null, true, false, [], {}, [[]], '', ' ', 'x', '0', 'null', 'constructor', '__proto__', '*', '>', '$'],
  ...[0, -0, -1, 1, 0.1, 1e-320, 1e308, -1e308, 2 ** 31, 2 ** 53, 2 ** 53 + 2, 999_999_999_999],
  ...['../../etc/passwd', '/etc/passwd', 'C:\\windows', 'file:///etc/passwd', '..%2f..', '.git/hooks/x', '~'],
  ...['$(id)', '`id`', '; id', '| id', "' or 1=1 --", '{{secret.key}}', '%s%n', '{{', '\\', '"', "'"],
  ...['\u0000', '\ud800', '\udc00x', '\u202eevil', '\u200b', '\ufeff', '\u{e0041}', '\u2028', 'İ', 'ﬃ', 'x\r\ny: z'],
  ...['1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2026-02-30T00:00:00Z', '2026-11-21', '0000-01-01T00:00:00Z'],
  ...[
    '+275760-09-13T00:00:00Z',
    '* * * * * *',
    '@daily',
    'P1D',
    'Mars/Olympus',
    '00000000-0000-0000-0000-000000000000',
  ],
  ...['http://169.254.169.254/', 'http://[::1]/', 'gopher://x', 'a'.repeat(300), 'x'.repeat(LONG)],
]
const KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'task',
  'tsak',
  'id',
  '',
  '$where',
  'a.b',
  '\u0000',
  'x',
]

/** Not JSON's own: written into the text where a value is. */
const RAW = [
  'NaN',
  '1e999',
  '-1e999',
  '-',
  '01',
  '.5',
  '0x10',
  'undefined',
  "'x'",
  '1e',
  'tru',
  '"\\ud800"',
  '"\\x"',
  '//',
]

const HEADERS: Readonly<Record<string, readonly string[]>> = {
  'Deed-Timeout-Ms': ['0', '-1', '1', '1e400', 'soon', '2147483648', '0x10', 'NaN', '9'.repeat(400)],
  traceparent: ['nonsense', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`, '00-xyz-1-01', 'f'.repeat(5_000)],
  'Nats-Msg-Id': ['two words', 'x'.repeat(2_000), '\u00e9'],
  'X-Role': ['admin'],
}

type Place = readonly (string | number)[]

/** One to three changes to the value; now and then its bytes are changed instead, or too. */
export function mutate(good: Json, random: Random): Uint8Array {
  let value = good
  if (random.next() < 0.8) {
    for (let left = random.between(1, CHANGES_MAX); left > 0; left--) value = changeValue(value, random)
    if (random.next() < 0.9) return Buffer.from(JSON.stringify(value))
  }
  return changeBytes(Buffer.from(JSON.stringify(value)), random)
}

/** None mostly; else one that is not what it should be. */
export function mutateHeaders(random: Random): Record<string, string> {
  if (random.next() < 0.95) return {}
  const name = random.pick(Object.keys(HEADERS))
  return { [name]: random.pick(HEADERS[name] ?? []) }
}

function changeValue(value: Json, random: Random): Json {
  const place = random.pick(placesIn(value))
  return changeAt(value, place, (found) => random.pick(CHANGES)(found, random))
}

type Change = (found: Json, random: Random) => Json | undefined

/** Each gives what takes the place of what was found; `undefined` takes it away. */
const CHANGES: readonly Change[] = [
  () => undefined,
  (_, random) => random.pick(HOSTILE),
  (_, random) => random.pick(HOSTILE),
  (found, random) => (isObject(found) ? withKey(found, random.pick(KEYS), random.pick(HOSTILE)) : found),
  (found, random) => (isObject(found) ? renamed(found, random) : found),
  (found) => [found],
  (found) => (Array.isArray(found) ? [...found, ...found] : { x: found }),
  (found) => (typeof found === 'string' ? found.toUpperCase() : JSON.stringify(found)),
  (found) => (typeof found === 'string' ? Number(found) || found.length : found),
  (found, random) => (typeof found === 'string' ? spliced(found, random) : found),
  (found, random) => (typeof found === 'string' ? spliced(found, random) : found),
  (found) => (typeof found === 'number' ? -found : found),
  (found) => (typeof found === 'number' ? found * 1e9 : found),
  (found, random) => (random.next() < 0.1 ? nested(found) : found),
  (found, random) => (random.next() < 0.1 ? wide(found) : found),
]

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A computed key makes a field of its own also of `__proto__`. */
const withKey = (object: JsonObject, key: string, value: Json): JsonObject => ({ ...object, [key]: value })

function renamed(object: JsonObject, random: Random): JsonObject {
  const keys = Object.keys(object)
  if (keys.length === 0) return object
  const old = random.pick(keys)
  const name = spliced(old, random)
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key === old ? name : key, value]))
}

/** A character left out, doubled, or replaced. */
function spliced(text: string, random: Random): string {
  const at = random.between(0, Math.max(0, text.length - 1))
  const one = random.pick([
    '',
    text.slice(at, at + 1).repeat(2),
    random.pick(['x', '\u200b', '/', ' ', '{{', '\u0430']),
  ])
  return text.slice(0, at) + one + text.slice(at + 1)
}

function nested(value: Json): Json {
  let outer = value
  for (let depth = 0; depth < DEEP; depth++) outer = depth % 2 === 0 ? [outer] : { x: outer }
  return outer
}

/** As large as the small ones only, so that it fits into a message. */
const wide = (value: Json): Json =>
  Object.fromEntries(Array.from({ length: WIDE }, (_, index) => [`k${index}`, isSmall(value) ? value : 0]))

const isSmall = (value: Json): boolean => JSON.stringify(value).length < SMALL

/** Every place within a value, itself among them. */
function placesIn(value: Json, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [at]
  const inside = Array.isArray(value) ? value.map((item, index) => [index, item] as const) : Object.entries(value)
  return [at, ...inside.flatMap(([step, item]) => placesIn(item, [...at, step]))]
}

function changeAt(value: Json, place: Place, change: (found: Json) => Json | undefined): Json {
  const [step, ...rest] = place
  if (step === undefined) return change(value) ?? null
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => (index === step ? changedItem(item, rest, change) : [item]))
  }
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      key === step ? changedItem(item, rest, change).map((changed) => [key, changed] as const) : [[key, item] as const],
    ),
  )
}

/** Empty where it is taken away. */
function changedItem(item: Json, rest: Place, change: (found: Json) => Json | undefined): Json[] {
  if (rest.length > 0) return [changeAt(item, rest, change)]
  const changed = change(item)
  return changed === undefined ? [] : [changed]
}

function changeBytes(bytes: Buffer, random: Random): Uint8Array {
  const at = random.between(0, bytes.length)
  const to = Math.min(bytes.length, at + random.between(1, 8))
  const around = (between: Uint8Array): Buffer => Buffer.concat([bytes.subarray(0, at), between, bytes.subarray(to)])
  const text = bytes.toString()
  switch (random.between(0, 8)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      return around(Buffer.from([random.between(0, 255)]))
    case 2:
      return around(Buffer.from(Array.from({ length: random.between(1, 16) }, () => random.between(0, 255))))
    case 3:
      return around(Buffer.alloc(0))
    case 4:
      return Buffer.concat([bytes, bytes])
    case 5:
      return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])
    case 6:
      return Buffer.from(text.replace(/(?<=:)("[^"]*"|[\d.]+|true|false|null)/, random.pick(RAW)))
    case 7:
      // The same key twice: the later one counts, here as everywhere.
      return Buffer.from(text.replace(/^\{("[^"]*":)/, `{$1${random.pick(RAW)},$1`))
    default:
      return Buffer.from(text.replaceAll(',', random.pick([' , ', ',,', '\n,\t', ';'])))
  }
}

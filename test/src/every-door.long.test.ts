// What holds at every door that there is, made from the contracts, so that a new one is tried too: a request that its
// schema does not take is refused with the place and what to change, and leaves no row anywhere.
import { randomInt } from 'node:crypto'
import { exampleOf } from '@deed/drill/door/example-of'
import { fuzzDoors, SMALL_HEAP } from '@deed/drill/door/fuzz-doors'
import { countRowsAtRest } from '@deed/drill/harness/count-rows'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { randomFrom } from '@deed/drill/harness/random'
import { DEPTH_MAX, KEYS_MAX } from '@deed/json/decode'
import type { RequestContract } from '@deed/proto/contract'
import { SERVICES } from '@deed/proto/contract'
import { CONTRACTS } from '@deed/proto/contracts'
import type { Json, JsonObject } from '@deed/proto/json'
import { ROLE_VERBS } from '@deed/proto/permissions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type PlainClient, plainClient } from './plain-client.ts'
import { type ExpectedRefusal, refusal } from './refusal.ts'

const FUZZED = 1_000

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
/** May use the subjects of services too. */
let operator: PlainClient
let pids: Record<string, number | undefined>

const processes = (): typeof pids => Object.fromEntries(SERVICES.map((name) => [name, under.mesh.service(name).pid]))

beforeAll(async () => {
  under = opened.use(await meshUnderTest({ env: SMALL_HEAP }))
  operator = opened.use(await plainClient(under.mesh.connection))
  pids = processes()
})

afterAll(() => opened.disposeAsync())

/** Those of providers are answered by programs of their own. */
const DOORS = CONTRACTS.flatMap((contract) =>
  contract.type === 'request' && contract.owner !== 'provider' ? [contract] : [],
)
/** The services request it too, and a later release may send more. */
const ALSO_BETWEEN_SERVICES = 'template.get'
const CALLERS = new Set(
  Object.values(ROLE_VERBS)
    .flat()
    .filter((verb) => verb !== ALSO_BETWEEN_SERVICES),
)

describe('every door', () => {
  it.each(DOORS)('refuses what its schema does not take, and leaves no row of it: $subject', async (contract) => {
    const before = await countRowsAtRest(under.database)
    const refusals = refusalsOf(contract, objectFrom(exampleOf(contract.input)))
    expect(refusals.length).toBeGreaterThan(10)
    const failures: string[] = []
    await Promise.all(
      refusals.map(async ([payload, expected]) => {
        const answer = await operator.ask(contract.subject, payload)
        try {
          refusal(answer, expected, [under.mesh.dataDir, under.workspace])
        } catch (error) {
          failures.push(`${payload.toString().slice(0, 200)}: ${error instanceof Error ? error.message : error}`)
        }
      }),
    )
    expect(failures).toEqual([])
    expect(await countRowsAtRest(under.database)).toEqual(before)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it.each(DOORS.filter(({ subject }) => CALLERS.has(subject)))(
    'that callers may use knows all of its fields: $subject',
    ({ input }) => {
      expect(input.safeParse({ ...objectFrom(exampleOf(input)), zzz: 1 }).success).toBe(false)
    },
  )

  // `npm run chaos` sends a hundred times as many. The same seed gives the same requests.
  it('takes or refuses what is almost right, and stays as it was', async () => {
    const seed = Number(process.env.DEED_SEED ?? randomInt(2 ** 31))
    console.log(`almost right, seed ${seed}`)
    const { requests, refused, taken, wrong } = await fuzzDoors(under, randomFrom(seed), FUZZED)
    expect(wrong).toEqual([])
    expect(requests).toBeGreaterThanOrEqual(FUZZED)
    expect(refused + taken).toBe(requests)
  })

  it('is open to the next good request, in the same processes', async () => {
    const { body } = await operator.ask('execution.request', { task: 'create the folder here' })
    expect(body).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(processes()).toEqual(pids)
  })
})

type Refusal = [payload: string | Uint8Array, expected: ExpectedRefusal]

function refusalsOf({ input }: RequestContract, example: JsonObject): Refusal[] {
  const whole = JSON.stringify(example)
  const inside = (text: string): string => `${whole.slice(0, -1)}${whole === '{}' ? '' : ','}${text}}`
  const keys = Array.from({ length: KEYS_MAX + 1 }, (_, index) => `"k${index}":0`).join()
  const always: Refusal[] = [
    [whole.slice(0, -1), { code: 'invalid_json', path: '$' }],
    ['', { code: 'invalid_json', path: '$' }],
    ['null', { code: 'invalid_request', path: '$' }],
    ['[]', { code: 'invalid_request', path: '$' }],
    ['"x"', { code: 'invalid_request', path: '$' }],
    [Uint8Array.from([0xff, 0xfe]), { code: 'invalid_encoding', path: '$' }],
    [`\ufeff${whole}`, { code: 'invalid_encoding', path: '$' }],
    [inside('"x":"\\ud800"'), { code: 'invalid_encoding', path: '$.x' }],
    [inside(`"x":${'['.repeat(DEPTH_MAX)}${']'.repeat(DEPTH_MAX)}`), { code: 'too_deep', path: '$' }],
    [inside(keys), { code: 'too_many_keys', path: '$' }],
    [inside('"__proto__":{"polluted":1}'), { code: 'forbidden_key', path: '$.__proto__' }],
    [inside('"x":{"constructor":{"prototype":1}}'), { code: 'forbidden_key', path: '$.x.constructor' }],
  ]
  const fields = fieldsOf(input)
  return [
    ...always,
    ...unknownFields(input, example, Object.keys(fields)),
    ...Object.entries(fields).flatMap(([name, schema]) => wrongValues(input, example, name, schema)),
  ]
}

/** A slip of the keyboard in the name of a field: the one that was meant is named. */
function unknownFields(input: z.ZodType, example: JsonObject, names: readonly string[]): Refusal[] {
  const slips = names.filter((name) => name.length > 3).map((name): [string, RegExp] => [`${name}s`, /did you mean "/])
  return [['zzzzzzzzzz', /remove it/] as const, ...slips].flatMap(([slip, message]): Refusal[] => {
    const payload = { ...example, [slip]: 1 }
    return input.safeParse(payload).success
      ? []
      : [[JSON.stringify(payload), { code: 'unknown_field', path: `$.${slip}`, message }]]
  })
}

const OF_EVERY_TYPE: readonly Json[] = [null, true, 1.5, 'x', [], {}, [null], { x: null }, -1, 1e300]

/** The field missing, of another type, and just beyond each limit that its schema has. */
function wrongValues(input: z.ZodType, example: JsonObject, name: string, schema: z.ZodType): Refusal[] {
  const { [name]: value, ...rest } = example
  const at = new RegExp(`^\\$\\.${name}(?![A-Za-z_])`)
  const wrong: Refusal[] = [...OF_EVERY_TYPE, ...beyondLimits(schema, value)]
    .map((other) => ({ ...rest, [name]: other }))
    // What is wrong only together with another field is for the contract's own tests.
    .filter((payload) => !schema.safeParse(payload[name]).success && !input.safeParse(payload).success)
    .map((payload) => [JSON.stringify(payload), { code: /^(?!internal)/, path: at }])
  const missing: Refusal = [JSON.stringify(rest), { code: 'missing_field', path: `$.${name}` }]
  return input.safeParse(rest).success || schema.safeParse(undefined).success ? wrong : [missing, ...wrong]
}

function beyondLimits(schema: z.ZodType, value: Json | undefined): Json[] {
  const { minimum, maximum, maxLength, maxItems } = z.toJSONSchema(schema, { io: 'input' })
  return [
    ...(maximum === undefined ? [] : [maximum + 1]),
    ...(minimum === undefined ? [] : [minimum - 1]),
    ...(maxLength === undefined ? [] : ['x'.repeat(maxLength + 1)]),
    ...(maxItems === undefined || !Array.isArray(value)
      ? []
      : [Array.from({ length: maxItems + 1 }, () => value[0] ?? null)]),
  ]
}

function fieldsOf(input: z.ZodType): Record<string, z.ZodType> {
  if (!(input instanceof z.ZodObject)) throw new Error('a request is an object')
  return Object.fromEntries(
    Object.entries(input.shape).map(([name, field]) => {
      if (!(field instanceof z.ZodType)) throw new Error(`${name} has no schema`)
      return [name, field]
    }),
  )
}

function objectFrom(value: Json): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('a request is an object')
  return value
}

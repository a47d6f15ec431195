// The document can be made, and keeps the rules of AsyncAPI 3.0 that tools trip over: references that lead somewhere,
// messages that are their channel's, addresses whose parameters are named.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { asyncApi } from './asyncapi.ts'
import { CONTRACTS } from './contracts.ts'
import { SUBMIT_SUBJECT } from './execution.ts'

const document = asyncApi()

const channelIds = new Map(Object.keys(document.channels).map((id) => [`#/channels/${id}`, id]))

/** The target of a local reference. */
function resolve(ref: string): unknown {
  expect(ref).toMatch(/^#\//)
  return ref
    .slice(2)
    .split('/')
    .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], document)
}

function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => (key === '$ref' ? [String(item)] : references(item)))
}

function channelOf(ref: string) {
  const id = channelIds.get(ref)
  const channel = id === undefined ? undefined : document.channels[id]
  if (id === undefined || !channel) throw new Error(`${ref} is no channel`)
  return { channel, members: Object.keys(channel.messages).map((message) => `${ref}/messages/${message}`) }
}

it('the program of `npm run asyncapi` prints the document that the contracts give', () => {
  const program = fileURLToPath(new URL('asyncapi.ts', import.meta.url))
  const printed = execFileSync(process.execPath, [program], { encoding: 'utf8', maxBuffer: 2 ** 26 })
  expect(JSON.parse(printed)).toEqual(JSON.parse(JSON.stringify(document)))
})

describe('the AsyncAPI document', () => {
  it('has every contract, and the durable intake', () => {
    const addresses = Object.values(document.channels).map(({ address }) => address)
    for (const { type, subject } of CONTRACTS) {
      const address = subject.replace('*', '{kind}')
      if (type === 'request') expect(addresses).toContain(address)
      if (type === 'event') expect(addresses).toContain(subject.replace('*.*', '{tenant}.{id}'))
      if (type === 'work') expect(addresses).toContain(`${subject}.{tenant}`)
    }
    expect(addresses).toContain(SUBMIT_SUBJECT)
    const operations = { request: 1, event: 1, work: 2 }
    const wanted = CONTRACTS.reduce((sum, { type }) => sum + operations[type], 1)
    expect(Object.keys(document.operations)).toHaveLength(wanted)
  })

  it('has only resolvable references', () => {
    const found = references(document)
    expect(found.length).toBeGreaterThan(100)
    expect(found.filter((ref) => resolve(ref) === undefined)).toEqual([])
  })

  it('has unique addresses and message names', () => {
    const addresses = Object.values(document.channels).flatMap(({ address }) => address ?? [])
    expect(new Set(addresses).size).toBe(addresses.length)
    const names = Object.values(document.components.messages).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })

  it('says of every request how its subject names who asks', () => {
    for (const { action, channel } of Object.values(document.operations)) {
      const { address, parameters, ...rest } = channelOf(channel.$ref).channel
      if (action !== 'receive' || Object.keys(rest.messages)[0] !== 'request') continue
      expect(rest['x-address-with-principal']).toBe(`${address}.{tenant}.{user}`)
    }
  })

  it('has each named schema once: what another one has is a reference to it', () => {
    const { GoalListOutput, ScheduleListOutput } = document.components.schemas
    expect(references(GoalListOutput)).toContain('#/components/schemas/GoalView')
    expect(references(ScheduleListOutput)).toContain('#/components/schemas/ScheduleView')
  })

  it("declares exactly the parameters of each channel's address", () => {
    for (const [id, { address, parameters = {} }] of Object.entries(document.channels)) {
      const inAddress = [...(address ?? '').matchAll(/\{([^}]+)\}/g)].map(([, name]) => name)
      expect(Object.keys(parameters).sort(), id).toEqual(inAddress.sort())
    }
  })

  it('lets operations use only messages of their channel, and lets callers choose the reply address', () => {
    for (const [id, operation] of Object.entries(document.operations)) {
      const { members } = channelOf(operation.channel.$ref)
      expect(operation.messages.length, id).toBeGreaterThan(0)
      for (const { $ref } of operation.messages) expect(members, id).toContain($ref)
      if (!operation.reply) continue
      const answers = channelOf(operation.reply.channel.$ref)
      expect(answers.channel.address, id).toBeNull()
      expect(answers.members, id).toEqual(operation.reply.messages.map(({ $ref }) => $ref))
    }
  })

  it('answers every request of the mesh with its reply or with an error', () => {
    for (const contract of CONTRACTS) {
      if (contract.type !== 'request') continue
      const operation = Object.values(document.operations).find(
        ({ channel }) => channelOf(channel.$ref).channel.address === contract.subject.replace('*', '{kind}'),
      )
      expect(operation).toMatchObject({
        action: 'receive',
        'x-owner': contract.owner,
        'x-timeout-ms': contract.timeoutMs,
        'x-idempotent': contract.idempotent,
      })
      expect(operation?.reply?.messages.map(({ $ref }) => $ref.split('/').at(-1))).toEqual(['reply', 'error'])
    }
  })

  it('has component names that AsyncAPI allows, and schemas that are valid in place', () => {
    const { messages, schemas } = document.components
    for (const name of [...Object.keys(messages), ...Object.keys(schemas)]) expect(name).toMatch(/^[\w.-]+$/)
    // An `$id` would change the base of every reference in it, and `$schema` belongs to a separate document.
    for (const schema of Object.values(schemas)) expect(schema).not.toHaveProperty('$id')
    for (const schema of Object.values(schemas)) expect(schema).not.toHaveProperty('$schema')
  })

  it('requires no field that has a default', () => {
    const { ExecutionRequest } = document.components.schemas
    // The caller chooses which of task, manifest and manifest_ref to give.
    expect(ExecutionRequest?.required).toBeUndefined()
    expect(ExecutionRequest?.additionalProperties).toBe(false)
  })
})

// What the servers of the nine roles look like to a client, without a mesh: in this process, over the same factory.
import { CONTRACTS } from '@deed/proto/contracts'
import { ORGANIZATION_ROLES } from '@deed/proto/organization'
import { COMMON_TOOLS, ROLE_TOOLS, requestsOfRole } from '@deed/proto/role-requests'
import { createLogger } from '@deed/telemetry/logger'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { ListedTool, Schema } from '../../test/raw-stdio.ts'
import { serverFactory } from '../serving/factory.ts'
import { httpFace } from '../serving/serve-http.ts'
import { roleServer } from './role-server.ts'

const NAME_CHARS_MAX = 60
const TOKENS_MAX = 4_000
/** An estimate: the tokens of a model are not counted here. */
const CHARS_PER_TOKEN = 4
const COMMON = Object.keys(COMMON_TOOLS)
/** Given names, which clients already know. */
const GIVEN: Record<string, readonly string[]> = {
  ceo: ['approve_strategic_initiative', 'allocate_budget', 'escalate_to_board', 'review_organizational_health'],
  cto: ['review_architecture', 'select_technology', 'assess_technical_debt', 'approve_deployment'],
  product_manager: ['define_feature', 'prioritize_backlog', 'gather_requirements'],
  senior_architect: ['design_system', 'evaluate_technology', 'create_technical_spec'],
}

async function listedTools(role: (typeof ORGANIZATION_ROLES)[number]): Promise<ListedTool[]> {
  const agent = { tenant: 'local', user: role }
  const mesh = { bus: () => Promise.reject(new Error('no mesh')), consoleUrl: () => undefined }
  const log = createLogger('test')
  const face = httpFace(
    { '/mcp': serverFactory(roleServer(role), { mesh, log, identityOf: () => ({ agent }) }) },
    { url: undefined, log, authenticate: () => ({ token: '', clientId: 'test', scopes: [] }) },
  )
  const answer = await face.fetch(
    new Request('http://127.0.0.1/mcp', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        host: '127.0.0.1',
        'mcp-protocol-version': '2025-11-25',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    }),
  )
  const text = await answer.text()
  await face.close()
  const message = /^data: (.*)$/m.exec(text)?.[1] ?? text
  return (JSON.parse(message) as { result: { tools: ListedTool[] } }).result.tools
}

describe.each(ORGANIZATION_ROLES)('the server of the role %s', (role) => {
  it('lists its own tools and the common ones, with short names, in less than 4,000 tokens', async () => {
    const tools = await listedTools(role)
    const names = tools.map(({ name }) => name)
    expect(names).toEqual([...Object.keys(ROLE_TOOLS[role]), ...COMMON])
    expect(names.length).toBeGreaterThan(COMMON.length + 2)
    expect(names.length).toBeLessThanOrEqual(10)
    expect(names).toEqual(expect.arrayContaining([...(GIVEN[role] ?? [])]))
    for (const name of names) expect(`mcp__plugin_deed_${role}__${name}`.length).toBeLessThanOrEqual(NAME_CHARS_MAX)
    expect(JSON.stringify({ tools }).length / CHARS_PER_TOKEN).toBeLessThan(TOKENS_MAX)
  })

  it('asks what somebody answers', () => {
    const requests = CONTRACTS.filter(({ type }) => type === 'request').map(({ subject }) => subject)
    expect(requests).toEqual(expect.arrayContaining(requestsOfRole(role)))
  })

  it('has schemas that every client takes, in which no field names the role that speaks', async () => {
    const validator = new AjvJsonSchemaValidator()
    for (const { name, inputSchema, outputSchema, annotations, description } of await listedTools(role)) {
      for (const schema of [inputSchema, outputSchema]) {
        expect(schema).toMatchObject({ type: 'object', additionalProperties: false })
        for (const key of ['anyOf', 'oneOf', 'allOf', 'if', 'not'])
          expect({ name, schema }).not.toHaveProperty(`schema.${key}`)
        expect([undefined, 'https://json-schema.org/draft/2020-12/schema']).toContain(schema.$schema)
        expect(JSON.stringify(schema)).not.toContain('"$ref"')
        for (const key of keysOf(schema)) expect(key).toMatch(/^[A-Za-z0-9_.-]{1,64}$/)
        expect(validator.getValidator({ ...schema })({ not_a_property: true }).valid).toBe(false)
      }
      for (const own of ['user', 'tenant', 'principal', 'as', 'proposed_by'])
        expect(Object.keys(inputSchema.properties ?? {})).not.toContain(own)
      expect(description.length).toBeLessThan(250)
      expect(typeof annotations.readOnlyHint).toBe('boolean')
    }
  })

  it('refuses unknown, missing and oversized arguments of each tool', () => {
    for (const { name, input } of roleServer(role).tools) {
      expect({ name, ok: input.safeParse({ no_such_field: 1 }).success }).toEqual({ name, ok: false })
      for (const key of Object.keys(input.shape)) {
        const wrong = z.object({ [key]: input.shape[key] as z.ZodType }).safeParse({ [key]: 'x'.repeat(70_000) })
        expect({ name, key, ok: wrong.success }).toEqual({ name, key, ok: false })
      }
    }
  })

  it('has a brief, decisions, the backlog and executions as resources, and prompts', () => {
    const { resources, prompts } = roleServer(role)
    expect(resources.map(({ uri }) => uri)).toEqual([
      `deed://org/${role}/brief`,
      'deed://decisions/{id}',
      'deed://backlog/{id}',
      'deed://executions/{id}',
    ])
    expect(prompts.map(({ name }) => name)).toEqual(['daily_brief', 'prepare_decision'])
  })
})

/** The names of the properties, at any depth. */
function keysOf({ properties = {}, items }: Schema): string[] {
  return [...Object.keys(properties), ...[...Object.values(properties), ...(items ? [items] : [])].flatMap(keysOf)]
}

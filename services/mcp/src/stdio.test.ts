// The process that a client starts: what it writes to standard output whatever happens, and what its tools look like.

import { temporaryFolder } from '@deed/local/temporary-folder'
import { type TestBus, testBus } from '@deed/local/test-bus'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { initialize, type ListedTool, type RawServer, rawServer, type Schema } from '../test/raw-stdio.ts'

/** A dependency that writes to standard output: each time anything reads JSON. */
const NOISE = `--import=data:text/javascript,${encodeURIComponent(
  'const {parse}=JSON;JSON.parse=(...a)=>{console.log("noise");process.stdout.write("noise\\n");return parse(...a)}',
)}`
/** Clients put this before the name of a tool, and some take 60 characters in all. */
const PREFIX = 'mcp__plugin_deed_deed__'
const NAME_CHARS_MAX = 60
const TOKENS_MAX = 4_000
/** An estimate: the tokens of a model are not counted here. */
const CHARS_PER_TOKEN = 4

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())

/** Every line is a message of JSON-RPC. */
function expectMessagesAlone(server: RawServer): void {
  expect(server.lines().length).toBeGreaterThan(0)
  for (const line of server.lines()) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' })
}

describe('without a mesh', () => {
  let server: RawServer
  beforeAll(async () => {
    server = rawServer(['mcp', '--data-dir', folder.path], { NODE_OPTIONS: NOISE })
    await initialize(server)
  })
  afterAll(() => server?.[Symbol.dispose]())

  it('a tool says that there is none, and how to start one', async () => {
    const { result } = await server.ask(1, 'tools/call', { name: 'list_executions', arguments: {} })
    expect(result.isError).toBe(true)
    expect(JSON.parse(result.content[0]?.text ?? '')).toMatchObject({
      error: { code: 'unavailable', message: expect.stringContaining('deed up') },
      next: expect.any(String),
    })
  })

  describe('the list of the tools', () => {
    let tools: ListedTool[]
    beforeAll(async () => {
      tools = (await server.ask(2, 'tools/list')).result.tools
    })

    it('has the twelve, in a fixed order, with short names', async () => {
      expect(tools.map(({ name }) => name)).toEqual([
        ...['run_task', 'plan_task', 'get_execution', 'list_executions', 'wait_execution'],
        ...['cancel', 'pause', 'resume', 'retry', 'rollback', 'list_waiting', 'decide_approval'],
      ])
      for (const { name } of tools) expect(`${PREFIX}${name}`.length).toBeLessThanOrEqual(NAME_CHARS_MAX)
    })

    it('takes less than 4,000 tokens, estimated at four characters each', () =>
      expect(JSON.stringify({ tools }).length / CHARS_PER_TOKEN).toBeLessThan(TOKENS_MAX))

    it('has schemas that every client takes', () => {
      const validator = new AjvJsonSchemaValidator()
      for (const { name, inputSchema, outputSchema, annotations, description } of tools) {
        for (const schema of [inputSchema, outputSchema]) {
          expect(schema).toMatchObject({ type: 'object', additionalProperties: false })
          for (const key of ['anyOf', 'oneOf', 'allOf', 'if', 'not'])
            expect({ name, schema }).not.toHaveProperty(`schema.${key}`)
          expect([undefined, 'https://json-schema.org/draft/2020-12/schema']).toContain(schema.$schema)
          expect(JSON.stringify(schema)).not.toContain('"$ref"')
          for (const key of keysOf(schema)) expect(key).toMatch(/^[A-Za-z0-9_.-]{1,64}$/)
          expect(validator.getValidator({ ...schema })({ not_a_property: true }).valid).toBe(false)
        }
        expect(description.length).toBeLessThan(250)
        expect(typeof annotations.readOnlyHint).toBe('boolean')
        if (annotations.readOnlyHint === false) expect(typeof annotations.destructiveHint).toBe('boolean')
      }
    })
  })

  it('a dependency that writes to standard output is heard on standard error alone', () => {
    expectMessagesAlone(server)
    expect(server.stderr()).toContain('noise')
  })

  it('garbage, unknown methods and unknown tools are answered as the protocol says, or not at all', async () => {
    server.send('this is no JSON')
    server.send('{"jsonrpc":"2.0","id":')
    expect((await server.ask(3, 'no/such/method')).error.code).toBe(-32601)
    expect((await server.ask(4, 'tools/call', { name: 'no_such_tool', arguments: {} })).error.code).toBe(-32602)
    expect((await server.ask(5, 'tools/call', { name: 'cancel', arguments: { execution_id: 7 } })).result.isError).toBe(
      true,
    )
    expect((await server.ask(6, 'resources/read', { uri: 'deed://executions/x' })).error.code).toBe(-32602)
    expectMessagesAlone(server)
  })

  it('ends when its client is gone', async () => {
    server.child.stdin?.end()
    expect(await server.ended).toBe(0)
    expectMessagesAlone(server)
  })
})

it.each([
  ['nobody else approves', ['mcp', '--person', 'mcp']],
  ['nobody else approves, with --json', ['--json', 'mcp', '--person', 'mcp']],
  ['an option is unknown', ['--json', 'mcp', '--no-such-option']],
])('a start that fails since %s leaves standard output empty', async (_, args) => {
  using server = rawServer(args, { DEED_DATA_DIR: folder.path })
  expect(await server.ended).not.toBe(0)
  expect(server.lines()).toEqual([])
  expect(server.stderr()).not.toBe('')
})

it('a message that is too large ends the connection, and nothing but messages was written', async () => {
  using server = rawServer(['mcp'], { DEED_DATA_DIR: folder.path })
  await initialize(server)
  server.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: { x: 'x'.repeat(2_000_000) } }))
  expect(await server.ended).not.toBeNull()
  expectMessagesAlone(server)
})

describe('with NATS', () => {
  let nats: TestBus
  beforeAll(async () => {
    nats = await testBus()
  })
  afterAll(() => nats?.[Symbol.asyncDispose]())

  it('that goes away and comes back, a tool fails with what to do next, and standard output has messages alone', async () => {
    using server = rawServer(['mcp'], { ...nats.environment('mcp'), DEED_DATA_DIR: folder.path, NODE_OPTIONS: NOISE })
    await initialize(server)
    const call = async (id: number) => {
      const { result } = await server.ask(id, 'tools/call', { name: 'list_executions', arguments: {} })
      return JSON.parse(result.content[0]?.text ?? '').error.code as string
    }
    expect(await call(1)).toBe('unavailable')
    await nats.kill()
    expect(['unavailable', 'deadline_exceeded']).toContain(await call(2))
    await nats.start()
    expect(['unavailable', 'deadline_exceeded']).toContain(await call(3))
    server.child.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    expectMessagesAlone(server)
  })
})

/** The names of the properties, at any depth. */
function keysOf({ properties = {}, items }: Schema): string[] {
  return [...Object.keys(properties), ...[...Object.values(properties), ...(items ? [items] : [])].flatMap(keysOf)]
}

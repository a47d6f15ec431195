/**
 * What the official conformance suite expects of a server, served by the modules that serve Deed: the factory and the HTTP face. Contents that
 * no tool of Deed has (images, logs, completion) are registered on the server that the factory makes.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DeedError } from '@deed/proto/errors'
import { createLogger } from '@deed/telemetry/logger'
import { getRequestListener } from '@hono/node-server'
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  inputRequired,
  inputResponse,
  type McpRequestContext,
  McpServer,
  type PrimitiveSchemaDefinition,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { serverFactory } from '../src/serving/factory.ts'
import { type Authenticate, httpFace } from '../src/serving/serve-http.ts'
import type { SessionLimits } from '../src/serving/sessions.ts'
import { type Call, type ServerDefinition, type Tool, tool } from '../src/serving/tool.ts'

const PATH = '/mcp'
const AGENT = { tenant: 'local', user: 'suite' }
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA='
const image = { type: 'image' as const, data: PNG, mimeType: 'image/png' }
const text = (value: string) => ({ type: 'text' as const, text: value })
const embedded = (uri: string) => ({
  type: 'resource' as const,
  resource: { uri, mimeType: 'text/plain', text: 'Text' },
})

interface Options {
  limits?: SessionLimits
  authenticate?: Authenticate
}

/** @returns where the server is, until it is disposed */
export async function startConformanceServer({
  authenticate = () => ({ token: '', clientId: 'suite', scopes: [] }),
  ...options
}: Options = {}): Promise<AsyncDisposable & { url: string }> {
  const log = createLogger('mcp')
  const mesh = { bus: () => Promise.reject(new DeedError('unavailable', 'no mesh')), consoleUrl: () => undefined }
  const factory = serverFactory(DEFINITION, { mesh, log, identityOf: () => ({ agent: AGENT }) })
  const face = httpFace(
    { [PATH]: async (context) => withContents(await factory(context), context), [`${PATH}/other`]: factory },
    { url: undefined, log, authenticate, ...options },
  )
  const server = createServer(getRequestListener(face.fetch, { overrideGlobalObjects: false })).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`,
    async [Symbol.asyncDispose]() {
      await face.close()
      server.closeAllConnections()
      server.close()
    },
  }
}

type Run = (call: Call) => ReturnType<Tool['run']>

const named = (name: string, run: Run): Tool =>
  tool({
    ...{ name, title: name, description: `The suite calls ${name}.`, annotations: {} },
    ...{ input: z.object({}), output: z.object({ text: z.string() }), run: (_, call) => run(call) as never },
  })
const done = async () => ({ text: 'done' })

type Fields = Record<string, PrimitiveSchemaDefinition>

const form = (properties: Fields) =>
  inputRequired.elicit({
    message: `What is the ${Object.keys(properties).join(', ')}?`,
    requestedSchema: { type: 'object', properties, required: Object.keys(properties) },
  })
const asking = (property: string, shape: PrimitiveSchemaDefinition = { type: 'string' }) => form({ [property]: shape })
const WITH_DEFAULTS: Fields = {
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
}
const options = (of: string) => [1, 2, 3].map((number) => `${of}${number}`)
const titled = options('value').map((value) => ({ const: value, title: `Titled ${value}` }))
const ENUMS: Fields = {
  untitledSingle: { type: 'string', enum: options('option') },
  titledSingle: { type: 'string', oneOf: titled },
  legacyEnum: { type: 'string', enum: options('opt'), enumNames: options('Option ') },
  untitledMulti: { type: 'array', items: { type: 'string', enum: options('option') } },
  titledMulti: { type: 'array', items: { anyOf: titled } },
}
const sampling = inputRequired.createMessage({ messages: [{ role: 'user', content: text('Greet') }], maxTokens: 50 })
const roots = inputRequired.listRoots()

/** Asks until each of `requests` has an answer. */
const asks =
  (inputRequests: Parameters<typeof inputRequired>[0]['inputRequests'] & object, sealed = false): Run =>
  async ({ context: { mcpReq }, seal }) => {
    const answered = ([key, { method }]: [string, { method: string }]) =>
      method === 'elicitation/create'
        ? acceptedContent(mcpReq.inputResponses, key) !== undefined
        : inputResponse(mcpReq.inputResponses, key).kind !== 'missing'
    if (Object.entries(inputRequests).every(answered) && (!sealed || mcpReq.requestState() !== undefined)) {
      return { text: sealed ? 'state-ok' : 'done' }
    }
    return inputRequired({ inputRequests, ...(sealed ? { requestState: await seal({}) } : {}) })
  }

const twoRounds: Run = async ({ context: { mcpReq }, seal }) => {
  const { round = 0 } = mcpReq.requestState<{ round: number }>() ?? {}
  if (round === 2) return done()
  return inputRequired({
    inputRequests: { [`step${round + 1}`]: asking(round === 0 ? 'name' : 'color') },
    requestState: await seal({ round: round + 1 }),
  })
}

const whatTheClientHas: Run = async ({ context: { mcpReq }, shows }) => {
  const envelope = mcpReq.envelope as { [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities } | undefined
  const has = envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? {}
  return inputRequired({
    inputRequests: {
      ...(shows.form ? { name: asking('name') } : {}),
      ...(has.sampling ? { greeting: sampling } : {}),
      ...(has.roots ? { client_roots: roots } : {}),
    },
  })
}

const progress: Run = async ({ context: { mcpReq } }) => {
  const progressToken = mcpReq._meta?.progressToken
  for (const at of progressToken === undefined ? [] : [0, 50, 100])
    await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: at, total: 100 } })
  return done()
}

const MULTI_ROUND = 'test_input_required_result'
const DEFINITION: ServerDefinition = {
  name: 'conformance',
  title: 'What the suite expects',
  instructions: 'For the conformance suite alone.',
  tools: [
    named('test_simple_text', done),
    named('test_error_handling', () => Promise.reject(new DeedError('invalid_request', 'an error for the suite'))),
    named('test_tool_with_progress', progress),
    named('test_sampling', asks({ greeting: sampling })),
    named('test_elicitation', asks({ user: form({ username: { type: 'string' }, email: { type: 'string' } }) })),
    named('test_elicitation_sep1034_defaults', asks({ user: form(WITH_DEFAULTS) })),
    named('test_elicitation_sep1330_enums', asks({ user: form(ENUMS) })),
    named('test_streaming_elicitation', asks({ name: asking('name') })),
    named('test_missing_capability', asks({ greeting: sampling })),
    named(`${MULTI_ROUND}_elicitation`, asks({ user_name: asking('name') })),
    named(`${MULTI_ROUND}_sampling`, asks({ capital_question: sampling })),
    named(`${MULTI_ROUND}_list_roots`, asks({ client_roots: roots })),
    named(`${MULTI_ROUND}_request_state`, asks({ confirm: asking('ok', { type: 'boolean' }) }, true)),
    named(`${MULTI_ROUND}_tampered_state`, asks({ confirm: asking('ok', { type: 'boolean' }) }, true)),
    named(`${MULTI_ROUND}_multiple_inputs`, asks({ a: asking('name'), b: sampling, c: roots }, true)),
    named(`${MULTI_ROUND}_multi_round`, twoRounds),
    named(`${MULTI_ROUND}_capabilities`, whatTheClientHas),
  ],
  resources: [
    {
      ...{ name: 'template', uri: 'test://template/{id}/data', title: 'One of many', description: 'By its id.' },
      read: async (_, id) => ({ id, templateTest: true }),
    },
  ],
  prompts: [
    {
      ...{ name: 'test_simple_prompt', title: 'Simple', description: 'Without arguments.', input: z.strictObject({}) },
      text: () => 'This is a simple prompt for testing.',
    },
    {
      ...{ name: 'test_prompt_with_arguments', title: 'With arguments', description: 'Shows both.' },
      input: z.strictObject({ arg1: z.string(), arg2: z.string() }),
      text: ({ arg1, arg2 }) => `arg1='${arg1}', arg2='${arg2}'`,
    },
  ],
}

function withContents(server: Awaited<ReturnType<ReturnType<typeof serverFactory>>>, { era }: McpRequestContext) {
  if (!(server instanceof McpServer)) throw new Error('the factory makes no McpServer')
  const contents = {
    test_image_content: [image],
    test_audio_content: [{ type: 'audio' as const, data: WAV, mimeType: 'audio/wav' }],
    test_embedded_resource: [embedded('test://embedded-resource')],
    test_multiple_content_types: [text('Several'), image, embedded('test://mixed-content-resource')],
  }
  const about = (name: string) => ({ description: `The suite asks for ${name}.` })
  for (const [name, content] of Object.entries(contents)) server.registerTool(name, about(name), () => ({ content }))
  server.server.registerCapabilities({ logging: {}, completions: {} })
  for (const name of ['test_tool_with_logging', 'test_logging_tool'])
    server.registerTool(name, about(name), async ({ mcpReq }) => {
      for (const data of ['started', 'processing', 'completed']) await mcpReq.log('info', data)
      return { content: [text('done')] }
    })
  server.registerTool('test_trigger_tool_change', about('a change of the tools'), () => {
    server.sendToolListChanged()
    return { content: [text('done')] }
  })
  server.registerResource('text', 'test://static-text', { mimeType: 'text/plain' }, ({ href: uri }) => ({
    contents: [{ uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }],
  }))
  server.registerResource('binary', 'test://static-binary', { mimeType: 'image/png' }, ({ href: uri }) => ({
    contents: [{ uri, mimeType: 'image/png', blob: PNG }],
  }))
  const prompt = (...contents: (ReturnType<typeof text> | typeof image | ReturnType<typeof embedded>)[]) => ({
    messages: contents.map((content) => ({ role: 'user' as const, content })),
  })
  server.registerPrompt('test_prompt_with_image', about('an image'), () => prompt(image, text('Analyze it.')))
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { ...about('a resource'), argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri }) => prompt(embedded(resourceUri), text('Process it.')),
  )
  server.registerPrompt(`${MULTI_ROUND}_prompt`, about('a form'), ({ mcpReq }) =>
    acceptedContent(mcpReq.inputResponses, 'user_context') === undefined
      ? inputRequired({ inputRequests: { user_context: asking('context') } })
      : prompt(text('done')),
  )
  server.server.setRequestHandler('completion/complete', () => ({ completion: { values: [] } }))
  if (era === 'legacy') {
    server.server.registerCapabilities({ resources: { subscribe: true } })
    server.server.setRequestHandler('resources/subscribe', () => ({}))
    server.server.setRequestHandler('resources/unsubscribe', () => ({}))
  }
  return server
}

/** A server over MCP from its definition: the same for both transports, both revisions of the protocol, and every role. */
import { randomBytes } from 'node:crypto'
import { DEED_VERSION } from '@deed/process/serve-metrics'
import { DeedError } from '@deed/proto/errors'
import type { Log } from '@deed/telemetry/logger'
import {
  type AuthInfo,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  createRequestStateCodec,
  isInputRequiredResult,
  McpServer,
  type McpServerFactory,
  ResourceNotFoundError,
  ResourceTemplate,
  type ServerContext,
  type StandardSchemaWithJSON,
} from '@modelcontextprotocol/server'
import type { z } from 'zod'
import { failure, wrongArguments } from './failure.ts'
import type { Call, Forms, Identity, Mesh, ServerDefinition, Tool } from './tool.ts'

/** How long a person may take to answer a form. */
const FORM_SECONDS_MAX = 600
/** Values in the arguments of a call, at any depth. */
const INPUT_ELEMENTS_MAX = 2_000
/** Lists change with a release alone. */
const LISTS = { ttlMs: 60_000, cacheScope: 'public' } as const

interface Parts {
  mesh: Mesh
  log: Log
  /** @param auth of the request, where there is one */
  identityOf(auth: AuthInfo | undefined): Identity
}

/** Each call makes a server for one connection, or for one request. */
export function serverFactory(definition: ServerDefinition, { mesh, log, identityOf }: Parts): McpServerFactory {
  const { name, title, instructions, tools, resources, prompts } = definition
  // One process answers all rounds of a form: after a restart the person is asked again.
  const key = randomBytes(32)
  return ({ authInfo }) => {
    const identity = identityOf(authInfo)
    const { tenant, user } = identity.agent
    const codec = createRequestStateCodec<object>({
      key,
      ttlSeconds: FORM_SECONDS_MAX,
      bind: () => `${tenant}.${user}`,
    })
    const server = new McpServer(
      { name, title, version: DEED_VERSION },
      {
        instructions,
        maxToolInputElements: INPUT_ELEMENTS_MAX,
        cacheHints: {
          ...{ 'tools/list': LISTS, 'prompts/list': LISTS, 'resources/list': LISTS },
          ...{ 'resources/templates/list': LISTS, 'server/discover': LISTS },
        },
        requestState: { verify: codec.verify },
        inputRequired: { roundTimeoutMs: FORM_SECONDS_MAX * 1_000 },
      },
    )
    for (const one of tools) {
      const { title: shown, description, input, output, annotations } = one
      server.registerTool(
        one.name,
        { title: shown, description, inputSchema: unchecked(input), outputSchema: output, annotations },
        async (args, context) => {
          const shows = formsOf(server, context)
          const call = { ...identity, mesh, context, shows, seal: (state: object) => codec.mint(state, context) }
          return callTool(one, args, call, log)
        },
      )
    }
    for (const { uri, read, ...about } of resources) {
      const given = { title: about.title, description: about.description, mimeType: 'application/json' }
      const readOne = async (at: URL, id: string) => {
        const found = await read({ mesh, ...identity }, id).catch((error: unknown) => {
          if (error instanceof DeedError && error.code === 'not_found') throw new ResourceNotFoundError(at.href)
          throw error
        })
        return { contents: [{ uri: at.href, mimeType: 'application/json', text: JSON.stringify(found) }] }
      }
      if (uri.includes('{id}'))
        server.registerResource(about.name, new ResourceTemplate(uri, { list: undefined }), given, (at, { id }) =>
          readOne(at, String(id)),
        )
      else server.registerResource(about.name, uri, given, (at) => readOne(at, ''))
    }
    for (const { text, input, ...about } of prompts)
      server.registerPrompt(
        about.name,
        { title: about.title, description: about.description, argsSchema: input },
        (args) => ({
          messages: [{ role: 'user', content: { type: 'text', text: text(args) } }],
        }),
      )
    return server
  }
}

async function callTool({ name, input, output, run }: Tool, args: unknown, call: Call, log: Log) {
  const { tenant, user } = call.agent
  try {
    const { data, error } = input.safeParse(args)
    if (error) throw wrongArguments(error)
    const found = await run(data as never, call)
    if (isInputRequiredResult(found)) return found
    const structuredContent = output.parse(found) as Record<string, unknown>
    return { content: [{ type: 'text' as const, text: JSON.stringify(structuredContent) }], structuredContent }
  } catch (error) {
    if (error instanceof DeedError) log.info({ tool: name, tenant, user, code: error.code }, 'a call of a tool failed')
    else log.error({ err: error, tool: name, tenant, user }, 'a call of a tool failed')
    return failure(error)
  }
}

/** The schema as it is listed; arguments are validated by `callTool`, whose errors say what to do next. */
function unchecked(schema: z.ZodObject): StandardSchemaWithJSON<unknown, unknown> {
  const standard = schema['~standard']
  return { '~standard': { ...standard, validate: (value: unknown) => ({ value }) } } as never
}

function formsOf(server: McpServer, { mcpReq }: ServerContext): Forms {
  // Of this request in the later revision, of the connection in the earlier one.
  const envelope = mcpReq.envelope as { [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities } | undefined
  const { elicitation } = envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? server.server.getClientCapabilities() ?? {}
  return {
    form: elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined),
    url: elicitation?.url !== undefined,
  }
}

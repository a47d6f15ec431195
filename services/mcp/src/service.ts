/** The parts of MCP over HTTP, in the order they open. */
import { createServer } from 'node:http'
import type { AgentToken } from '@deed/config/mcp-settings'
import { type Bus, connectBus } from '@deed/mesh/bus'
import { drainServer, listenAt } from '@deed/process/http-server'
import { ORGANIZATION_ROLES, type OrganizationRole } from '@deed/proto/organization'
import { createLogger } from '@deed/telemetry/logger'
import { getRequestListener } from '@hono/node-server'
import type { AuthInfo } from '@modelcontextprotocol/server'
import type { Config } from './config.ts'
import { openBearers } from './guard/bearer.ts'
import { roleServer } from './roles/role-server.ts'
import { serverFactory } from './serving/factory.ts'
import { httpFace } from './serving/serve-http.ts'
import type { Identity } from './serving/tool.ts'
import { deedServer } from './tools/deed-server.ts'

const PATH = '/mcp'
const HEADERS_MS_MAX = 10_000
const REQUEST_MS_MAX = 60_000
const CONNECTIONS_MAX = 500
const HEADER_BYTES_MAX = 16_384
/** How long answers that are on their way may take while it drains. */
const DRAIN_MS_MAX = 10_000

/** Disposing it drains: running requests are answered, then it disconnects. */
export async function startMcp({
  bus: address,
  roleBus,
  settings,
  port,
  consoleUrl,
}: Config): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const log = createLogger('mcp')
  const bus = opened.use(await connectBus({ service: 'mcp', ...address, log }))
  const bearers = openBearers(settings.tokens)
  const served = settings.tokens.flatMap(({ roles }) => roles)
  const buses = new Map(
    await Promise.all(
      [...new Set(served)].map(
        async (role) => [role, opened.use(await connectBus({ ...roleBus(role), log }))] as const,
      ),
    ),
  )
  const parts = (own: Bus) => ({
    ...{ log, identityOf },
    mesh: { bus: () => Promise.resolve(own), consoleUrl: () => consoleUrl },
  })
  // Of a role that no token has each request is refused.
  const roles = ORGANIZATION_ROLES.map(
    (role) => [pathOf(role), serverFactory(roleServer(role), parts(buses.get(role) ?? bus))] as const,
  )
  const face = httpFace(Object.fromEntries([[PATH, serverFactory(deedServer, parts(bus))], ...roles]), {
    ...{ url: settings.url, log },
    authenticate(header, path) {
      const found = bearers.find(header)
      if (typeof found !== 'object' || path === PATH) return typeof found === 'object' ? authOf(found) : found
      const role = found.roles.find((one) => pathOf(one) === path)
      return role === undefined ? 'forbidden' : authOf({ ...found, user: role })
    },
  })
  const server = createServer({
    headersTimeout: HEADERS_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    maxHeaderSize: HEADER_BYTES_MAX,
  })
  server.maxConnections = CONNECTIONS_MAX
  opened.defer(() => drainServer(server, DRAIN_MS_MAX))
  opened.defer(() => face.close())
  server.on('request', getRequestListener(face.fetch, { overrideGlobalObjects: false }))
  const bound = await listenAt(
    server,
    { host: settings.host, port },
    (cause) => `MCP cannot be served at ${settings.host}, port ${port} (${cause}); change mcp.host or mcp.port`,
  )
  log.info({ url: `${settings.url ?? `http://127.0.0.1:${bound}`}${PATH}` }, 'MCP is served')
  return opened.move()
}

const pathOf = (role: OrganizationRole): string => `${PATH}/${role}`

/** The token itself stays here. */
const authOf = ({ name, tenant, user, person }: AgentToken): AuthInfo => ({
  ...{ token: '', clientId: name, scopes: [] },
  extra: { agent: { tenant, user }, person: person === undefined ? undefined : { tenant, user: person } },
})

function identityOf(auth: AuthInfo | undefined): Identity {
  if (auth?.extra === undefined) throw new Error('a request without an identity was let in')
  return auth.extra as unknown as Identity
}

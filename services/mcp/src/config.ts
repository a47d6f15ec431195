/** What the environment and execution.yaml say about MCP over HTTP. */
import { dirname, join, resolve } from 'node:path'
import { readExecutionConfig } from '@deed/config/execution-config'
import { type BusAddress, BusEnvironment, busAddress } from '@deed/mesh/connection'
import { readEnvironment } from '@deed/process/environment'
import type { OrganizationRole } from '@deed/proto/organization'
import { passwordVariable } from '@deed/proto/permissions'
import { ROLE_USERS, type RoleUser, roleUser } from '@deed/proto/role-requests'
import { z } from 'zod'

const Environment = z.object({
  ...BusEnvironment,
  /** The path of execution.yaml; without it the defaults apply. */
  DEED_CONFIG: z.string().optional(),
  /** The ports where execution.yaml names none: its own, and the console's. */
  MCP_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  CONSOLE_PORT: z.coerce.number().int().min(1).max(65_535).optional(),
  /** The password of each role's NATS user: `NATS_PASSWORD_MCP_CEO`. With nkeys their seeds are beside NATS_NKEY_FILE: `mcp-ceo.nk`. */
  ...Object.fromEntries(ROLE_USERS.map((user) => [passwordVariable(user), z.string().optional()])),
})

export type Config = ReturnType<typeof readConfig>

/** @throws {ConfigError} that names every missing or malformed variable; {ConfigError} for execution.yaml */
export function readConfig(env: NodeJS.ProcessEnv) {
  const environment = readEnvironment(Environment, env)
  const { mcp: settings, console: page } = readExecutionConfig(
    environment.DEED_CONFIG === undefined ? undefined : resolve(environment.DEED_CONFIG),
  )
  const consolePort = page.port || environment.CONSOLE_PORT
  const local = consolePort === undefined || !page.enabled ? undefined : `http://127.0.0.1:${consolePort}`
  const bus = busAddress(environment)
  return {
    bus,
    roleBus: (role: OrganizationRole) => addressAs(roleUser(role), bus, environment),
    settings,
    port: settings.port ?? environment.MCP_PORT,
    consoleUrl: page.url ?? local,
  }
}

/** As which user, and where; a server without the mesh's users lets a role in as it lets in the process itself. */
function addressAs(
  user: RoleUser,
  bus: BusAddress,
  environment: Record<string, unknown>,
): BusAddress & { service: string } {
  const { nkeyFile } = bus
  if (nkeyFile !== undefined) return { ...bus, service: user, nkeyFile: join(dirname(nkeyFile), `${user}.nk`) }
  const password = environment[passwordVariable(user)]
  return typeof password === 'string' ? { ...bus, service: user, user, password } : { ...bus, service: 'mcp' }
}

/** What the environment and execution.yaml say about MCP over HTTP. */
import { resolve } from 'node:path'
import { readExecutionConfig } from '@deed/config/execution-config'
import { BusEnvironment, busAddress } from '@deed/mesh/connection'
import { readEnvironment } from '@deed/process/environment'
import { z } from 'zod'

const Environment = z.object({
  ...BusEnvironment,
  /** The path of execution.yaml; without it the defaults apply. */
  DEED_CONFIG: z.string().optional(),
  /** The ports where execution.yaml names none: its own, and the console's. */
  MCP_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  CONSOLE_PORT: z.coerce.number().int().min(1).max(65_535).optional(),
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
  return {
    bus: busAddress(environment),
    settings,
    port: settings.port ?? environment.MCP_PORT,
    consoleUrl: page.url ?? local,
  }
}

/** The process that serves MCP over HTTP. */
import { runUntilSignalled, type Service } from '@deed/process/run-until-signalled'
import { readConfig } from './config.ts'
import { startMcp } from './service.ts'

const service: Service = {
  name: 'mcp',
  start: async (env) => startMcp(readConfig(env)),
}

if (import.meta.main) await runUntilSignalled(service)

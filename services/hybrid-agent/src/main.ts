/** The process of the hybrid agent, unless the thinking services share one. */
import { runUntilSignalled, type Service } from '@deed/process/run-until-signalled'
import { readConfig } from './config.ts'
import { startHybridAgent } from './service.ts'

export const service: Service = {
  name: 'hybrid-agent',
  start: async (env) => startHybridAgent(readConfig(env)),
}

if (import.meta.main) await runUntilSignalled(service)

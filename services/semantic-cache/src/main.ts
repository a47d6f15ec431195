/** The process of the semantic cache, unless the thinking services share one. */
import { runUntilSignalled, type Service } from '@deed/process/run-until-signalled'
import { readConfig } from './config.ts'
import { startSemanticCache } from './service.ts'

export const service: Service = {
  name: 'semantic-cache',
  start: async (env) => startSemanticCache(readConfig(env)),
}

if (import.meta.main) await runUntilSignalled(service)

/** The process of the template optimizer, unless the thinking services share one. */
import { runUntilSignalled, type Service } from '@deed/process/run-until-signalled'
import { readConfig } from './config.ts'
import { startTemplateOptimizer } from './service.ts'

export const service: Service = {
  name: 'template-optimizer',
  start: async (env) => startTemplateOptimizer(readConfig(env)),
}

if (import.meta.main) await runUntilSignalled(service)

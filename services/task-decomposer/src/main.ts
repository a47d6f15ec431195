/** The process of the task decomposer, unless the thinking services share one. */
import { runUntilSignalled, type Service } from '@deed/process/run-until-signalled'
import { readConfig } from './config.ts'
import { startTaskDecomposer } from './service.ts'

export const service: Service = {
  name: 'task-decomposer',
  start: async (env) => startTaskDecomposer(readConfig(env)),
}

if (import.meta.main) await runUntilSignalled(service)

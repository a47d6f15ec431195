/** The process of the console. */
import { runUntilSignalled, type Service } from '@deed/process/run-until-signalled'
import { readConfig } from './config.ts'
import { startConsole } from './service.ts'

const service: Service = {
  name: 'console',
  start: async (env) => startConsole(readConfig(env)),
}

if (import.meta.main) await runUntilSignalled(service)

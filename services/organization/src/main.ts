/** The process of the organization, unless it shares one. */
import { runUntilSignalled, type Service } from '@deed/process/run-until-signalled'
import { readConfig } from './config.ts'
import { startOrganization } from './service.ts'

export const service: Service = {
  name: 'organization',
  start: async (env) => startOrganization(readConfig(env)),
}

if (import.meta.main) await runUntilSignalled(service)

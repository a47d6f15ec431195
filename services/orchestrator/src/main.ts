/** The process. */
import { runUntilSignalled } from '@deed/process/run-until-signalled'
import { readConfig } from './config.ts'
import { startOrchestrator } from './service.ts'

await runUntilSignalled({ name: 'orchestrator', start: (env) => startOrchestrator(readConfig(env)) })

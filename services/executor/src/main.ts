/** The executor's process. */
import { runUntilSignalled } from '@deed/process/run-until-signalled'
import { readConfig } from './config.ts'
import { startExecutor } from './service.ts'

await runUntilSignalled({ name: 'executor', start: (env) => startExecutor(readConfig(env)) })

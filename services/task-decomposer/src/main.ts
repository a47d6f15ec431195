/** The process of the task decomposer. */
import { runUntilSignalled } from '@deed/process/run-until-signalled'
import { readConfig } from './config.ts'
import { startTaskDecomposer } from './service.ts'

await runUntilSignalled('task-decomposer', async () => startTaskDecomposer(readConfig(process.env)))

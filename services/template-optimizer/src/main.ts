/** The process of the template optimizer. */
import { runUntilSignalled } from '@deed/process/run-until-signalled'
import { readConfig } from './config.ts'
import { startTemplateOptimizer } from './service.ts'

await runUntilSignalled('template-optimizer', async () => startTemplateOptimizer(readConfig(process.env)))

/** The process of the hybrid agent. */
import { runUntilSignalled } from '@deed/process/run-until-signalled'
import { readConfig } from './config.ts'
import { startHybridAgent } from './service.ts'

await runUntilSignalled('hybrid-agent', async () => startHybridAgent(readConfig(process.env)))

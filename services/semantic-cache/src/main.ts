/** The process of the semantic cache. */
import { runUntilSignalled } from '@deed/process/run-until-signalled'
import { readConfig } from './config.ts'
import { startSemanticCache } from './service.ts'

await runUntilSignalled('semantic-cache', async () => startSemanticCache(readConfig(process.env)))

/**
 * An interrupted test run ends the servers of its processes, and the shell's settings are ignored. Logs of the code
 * under test are hidden in this process; LOG_LEVEL shows them.
 */
import { dropClientVariables } from './client-environment.ts'

dropClientVariables()
process.env.LOG_LEVEL ||= 'silent'

// Vitest stops its workers with SIGTERM, which would end them without running `exit` handlers.
if (process.listenerCount('SIGTERM') === 0) process.once('SIGTERM', () => process.exit(143))

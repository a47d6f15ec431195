/**
 * A test run that is interrupted takes along the servers that its processes have started, and uses no settings of the
 * shell that it runs in. What the parts under test log in this process is not shown; LOG_LEVEL shows it.
 */
import { dropClientVariables } from './client-environment.ts'

dropClientVariables()
process.env.LOG_LEVEL ||= 'silent'

// vitest ends its processes by SIGTERM, which alone would end them without the handlers of `exit`.
if (process.listenerCount('SIGTERM') === 0) process.once('SIGTERM', () => process.exit(143))

/** A test run that is interrupted takes along the servers that its processes have started, and hears no other's settings. */
import { dropClientVariables } from './client-environment.ts'

dropClientVariables()

// vitest ends its processes by SIGTERM, which alone would end them without the handlers of `exit`.
if (process.listenerCount('SIGTERM') === 0) process.once('SIGTERM', () => process.exit(143))

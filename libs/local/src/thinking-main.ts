/**
 * The process that thinking services share: each as in a process of its own, with its own environment, connections and
 * users. If one cannot start, or crashes, the process ends with all of them, and is restarted as a whole.
 */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError } from '@deed/config/config-error'
import { MODULE_EXTENSION } from '@deed/config/module-extension'
import { runUntilSignalled, type Service } from '@deed/process/run-until-signalled'
import { createLogger } from '@deed/telemetry/logger'
import { registerSecretsOf } from '@deed/telemetry/redact'
import { ENVIRONMENTS, Environments, THINKING } from './thinkers.ts'

const RELEASE = join(import.meta.dirname, '../../..')

const environments = Object.entries(Environments.parse(JSON.parse(process.env[ENVIRONMENTS] ?? '{}')))
for (const [, env] of environments) registerSecretsOf(env)

await runUntilSignalled({
  name: THINKING,
  async start() {
    await using opened = new AsyncDisposableStack()
    const starts = environments.map(async ([name, env]) => opened.use(await startOne(name, env)))
    // Those that are still starting are closed, too.
    await Promise.allSettled(starts)
    const running = await Promise.all(starts)
    opened.move()
    return {
      async [Symbol.asyncDispose]() {
        await Promise.all(running.map((one) => one[Symbol.asyncDispose]()))
      },
    }
  },
})

/** @throws with the name of the service */
async function startOne(name: string, env: NodeJS.ProcessEnv): Promise<AsyncDisposable> {
  const main = join(RELEASE, 'services', name, `src/main${MODULE_EXTENSION}`)
  const { service } = (await import(pathToFileURL(main).href)) as { service: Service }
  try {
    const running = await service.start(env)
    createLogger(name).info('ready')
    return running
  } catch (error) {
    const said = `${name}: ${error instanceof Error ? error.message : String(error)}`
    const unusable = error instanceof ConfigError
    throw unusable ? new ConfigError(said, { cause: error }) : new Error(said, { cause: error })
  }
}

/** The parts of the task decomposer, in the order they open. */
import { ConfigError } from '@deed/config/config-error'
import { connectBus } from '@deed/mesh/bus'
import { busAddress } from '@deed/mesh/connection'
import { natsProbe } from '@deed/mesh/nats-probe'
import { serveLogLevel } from '@deed/mesh/serve-log-level'
import { serveMetrics } from '@deed/process/serve-metrics'
import * as proto from '@deed/proto/task'
import { createLogger } from '@deed/telemetry/logger'
import type { Config } from './config.ts'
import { decomposeTask } from './handlers/decompose-task.ts'
import { explainPlan } from './handlers/explain-plan.ts'
import { MethodPackError, type Methods, readMethods } from './methods/method-pack.ts'

/** Starts the task decomposer. Disposing it drains: running requests are answered, then it disconnects. */
export async function startTaskDecomposer(config: Config): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const log = createLogger('task-decomposer')
  const methods = methodsOf(config)
  const metrics = opened.use(await serveMetrics('task-decomposer', log, config))

  const bus = opened.use(await connectBus({ service: 'task-decomposer', ...busAddress(config), log }))
  metrics.readyIf({ nats: natsProbe(bus) })
  serveLogLevel(bus, 'task-decomposer')
  bus.serve(proto.decomposeTask, decomposeTask({ methods }))
  bus.serve(proto.explainPlan, explainPlan({ methods }))

  return opened.move()
}

/** An invalid pack is never used. */
function methodsOf({ METHODS_DIR: folder }: Config): Methods {
  try {
    return readMethods(folder)
  } catch (error) {
    if (error instanceof MethodPackError) throw new ConfigError(error.message, { cause: error })
    throw error
  }
}

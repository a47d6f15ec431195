/** The parts of the task decomposer, in the order they open. */
import { connectBus } from '@deed/mesh/bus'
import { busAddress } from '@deed/mesh/connection'
import { natsProbe } from '@deed/mesh/nats-probe'
import { serveLogLevel } from '@deed/mesh/serve-log-level'
import { serveMetrics } from '@deed/process/serve-metrics'
import * as proto from '@deed/proto/task'
import { createLogger } from '@deed/telemetry/logger'
import type { Config } from './config.ts'
import { decomposeTask } from './handlers/decompose-task.ts'

/** Starts the task decomposer. Disposing it drains: running requests are answered, then it disconnects. */
export async function startTaskDecomposer(config: Config): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const log = createLogger('task-decomposer')
  const metrics = opened.use(await serveMetrics('task-decomposer', log, config))

  const bus = opened.use(await connectBus({ service: 'task-decomposer', ...busAddress(config), log }))
  metrics.readyIf({ nats: natsProbe(bus) })
  serveLogLevel(bus, 'task-decomposer')
  bus.serve(proto.decomposeTask, decomposeTask())

  return opened.move()
}

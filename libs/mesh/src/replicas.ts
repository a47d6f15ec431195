/** How many servers of a NATS cluster keep a stream. */
import { ConfigError } from '@deed/config/config-error'
import { type JetStreamManager, NatsError } from 'nats'

/** The API's codes for a server without a cluster, and for a cluster that is too small. */
const TOO_FEW_SERVERS = new Set([10_074, 10_005])

/** Gives a stream so many replicas, if it has others. @throws {ConfigError} if there are fewer servers */
export async function setReplicas(jsm: JetStreamManager, name: string, replicas: number): Promise<void> {
  const { config } = await jsm.streams.info(name)
  if (config.num_replicas === replicas) return
  await onServers(replicas, () => jsm.streams.update(name, { ...config, num_replicas: replicas }))
}

/** @throws {ConfigError} if `work` fails since there are fewer servers than replicas */
export async function onServers<T>(replicas: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof NatsError) || !TOO_FEW_SERVERS.has(error.jsError()?.err_code ?? 0)) throw error
    throw new ConfigError(
      `streams.replicas of execution.yaml is ${replicas}, and fewer servers of NATS form a cluster; add servers, or set it to 1`,
      { cause: error },
    )
  }
}

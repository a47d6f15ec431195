/** A real nats-server for one test, with the users and permissions of the mesh. */

import { type Bus, connectBus } from '@deed/mesh/bus'
import { ensureEventStreams } from '@deed/mesh/event-stream'
import { ensureIntake, ensureWorkQueues } from '@deed/mesh/work-queue'
import { workAct } from '@deed/proto/action'
import { workSolve } from '@deed/proto/agent'
import { LOCAL } from '@deed/proto/ids'
import { type NatsUser, startNats } from './nats.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface TestBus extends AsyncDisposable {
  readonly url: string
  readonly serverName: string
  /** The environment of a process of this user. */
  environment(user: NatsUser): Record<string, string>
  kill(): Promise<void>
  /** Restarts the killed server on the same port. */
  start(): Promise<void>
  /** Closed with the server. */
  bus(user: NatsUser): Promise<Bus>
}

/** With the work queues and the intake of the tenant `local`. */
export async function testBus(): Promise<TestBus> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(temporaryFolder())
  const nats = opened.use(await startNats({ dataDir: folder.path }))
  const buses = new AsyncDisposableStack()
  opened.use(buses)
  const bus = async (user: NatsUser): Promise<Bus> => {
    const { pass } = nats.credentials(user)
    return buses.use(
      await connectBus({ service: user, url: nats.url, user, password: pass, serverName: nats.serverName }),
    )
  }
  await using bootstrap = await connectBus({
    service: 'bootstrap',
    url: nats.url,
    user: 'bootstrap',
    password: nats.credentials('bootstrap').pass,
  })
  await ensureIntake(bootstrap.nc, LOCAL.tenant)
  await ensureEventStreams(bootstrap.nc)
  await ensureWorkQueues(bootstrap.nc, [workAct, workSolve])
  const kept = opened.move()
  return {
    url: nats.url,
    serverName: nats.serverName,
    environment: (user) => ({
      NATS_URL: nats.url,
      NATS_USER: user,
      NATS_PASSWORD: nats.credentials(user).pass,
      NATS_SERVER_NAME: nats.serverName,
    }),
    kill: nats.kill,
    start: nats.start,
    bus,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** From nothing on disk to the first thing that was done and proven. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startMesh } from '@deed/cli/mesh'
import { temporaryFolder } from '@deed/embedded/temporary-folder'
import { connectBus } from '@deed/mesh/bus'
import { requestExecution } from '@deed/proto/execution'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

export const coldStart: Scenario = {
  name: 'mesh.start',
  summary: 'start everything on an empty data folder, until the first verified reply',
  run: startCold,
}

async function startCold(_: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const folder = opened.use(temporaryFolder())
  const config = join(folder.path, 'execution.yaml')
  mkdirSync(join(folder.path, 'workspace'))
  writeFileSync(config, 'workspaces:\n  main: { root: ./workspace }\n')
  const from = performance.now()
  const mesh = opened.use(await startMesh({ dataDir: join(folder.path, 'data'), config, supervise: false }))
  const readyMs = performance.now() - from
  const { nats_url: url, nats_user: user, nats_password: password } = mesh.connection
  const client = opened.use(await connectBus({ service: 'deed', url, user, password }))
  const reply = await client.call(requestExecution, { task: 'write "hello" to hello.txt' })
  if (!reply.metrics.success) throw new Error(`the first request was answered with ${JSON.stringify(reply)}`)
  return [
    {
      scenario: coldStart.name,
      measured: 'startMesh and a first request',
      first_verified_reply_ms: rounded(performance.now() - from, 0),
      services_ready_ms: rounded(readyMs, 0),
    },
  ]
}

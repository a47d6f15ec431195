/** Ten servers over standard input and output, as clients start them on one machine, that nobody asks: memory, CPU and requests. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { COMMAND } from '@deed/drill/harness/deed-process'
import { connectBus } from '@deed/mesh/bus'
import { ORGANIZATION_ROLES } from '@deed/proto/organization'
import { benchMesh } from './bench-mesh.ts'
import { countCosts, cpuTotal, disturbance, memoryMb } from './process-costs.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

/** As `deed mcp install` writes it for clients. */
const NODE_OPTIONS = ['--max-semi-space-size=1']
const SECONDS = 30
/** What a first call has left to do has ended by then. */
const AFTER_CALL_MS = 3_000

export const idleMcp: Scenario = {
  name: 'mcp.idle',
  summary:
    'memory (PSS), CPU and requests of ten `deed mcp` that have answered one call (30 s unless --seconds says otherwise)',
  run: watchServers,
}

async function watchServers(settings: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const { mesh } = await benchMesh({ ...settings, together: true }, opened)
  const seconds = settings.secondsGiven ? settings.seconds : SECONDS
  const { nats_url: url, nats_user: user, nats_password: password } = mesh.connection
  const bus = opened.use(await connectBus({ service: user ?? 'deed', url, user, password }))
  let requests = 0
  // Requests of the servers, each in its name: the services of the mesh ask in other tenants' or nobody's.
  for (const name of ['mcp', ...ORGANIZATION_ROLES])
    bus.nc.subscribe(`*.*.local.${name}`, { callback: () => void requests++ })
  await bus.nc.flush()
  const pids: Record<string, number> = {}
  for (const role of [undefined, ...ORGANIZATION_ROLES])
    pids[role ?? 'deed'] = await startServer(mesh.dataDir, role, opened)
  const asked = requests
  await sleep(AFTER_CALL_MS)
  const ended = countCosts(pids)
  const before = requests
  await sleep(seconds * 1_000)
  const costs = ended()
  const memory = memoryMb(pids, [])
  const cpu = cpuTotal(costs)
  return [
    {
      scenario: idleMcp.name,
      seconds,
      servers: Object.keys(pids).length,
      requests_of_the_calls: asked,
      requests: requests - before,
      memory_mb:
        memory &&
        rounded(
          Object.values(memory).reduce((sum, mb) => sum + mb, 0),
          1,
        ),
      cpu_share_of_a_core: cpu === null ? null : rounded(cpu / seconds, 4),
      ...disturbance(costs),
    },
  ]
}

/** @returns its pid, once it has answered a call */
async function startServer(dataDir: string, role: string | undefined, opened: AsyncDisposableStack): Promise<number> {
  const args = [...NODE_OPTIONS, COMMAND, 'mcp', ...(role ? ['--role', role] : []), '--data-dir', dataDir]
  const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH }, stdio: ['pipe', 'pipe', 'ignore'] })
  opened.defer(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (id: number, method: string, params: object): Promise<string> => {
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error(`the server of ${role ?? 'deed'} has ended`)
      if ((JSON.parse(value) as { id?: number }).id === id) return value
    }
  }
  const clientInfo = { name: 'bench', version: '1' }
  await ask(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`)
  await ask(2, 'tools/list', {})
  const answer = await ask(3, 'tools/call', { name: role ? 'recall' : 'list_executions', arguments: {} })
  if (answer.includes('"isError":true')) throw new Error(answer)
  return child.pid ?? 0
}

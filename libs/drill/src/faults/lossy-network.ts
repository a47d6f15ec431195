/** Packets are lost, late and slow: by the kernel itself in a network of the drill's own, where it can be had. */
import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { ServiceName } from '@deed/proto/contract'
import type { Fault, Trial } from '../fault.ts'
import { thisMachine } from '../machine.ts'
import { throughProxies } from '../through-proxies.ts'
import { underLoad } from '../under-load.ts'

const WORKING: readonly ServiceName[] = ['orchestrator', 'executor']
const SLOW_MS = 10_000
const NAMESPACE_MS_MAX = 300_000
const DELAY_MS = 100
const LOST_PERCENT = 30
const BITS_PER_SECOND = 64_000

export const lossyNetwork: Fault = {
  id: 'F29',
  title: 'a third of the packets lost, 200 ms away, 64 kbit/s',
  async run(trial) {
    const { root, linux, has } = thisMachine()
    const byKernel = root && linux && ['ip', 'tc', 'nft'].every(has)
    await (byKernel ? inNamespace(trial) : byProxies(trial))
  },
}

/** Pieces of data are held up for as long as TCP would take to send them again. */
async function byProxies(trial: Trial): Promise<void> {
  await using proxies = await throughProxies(trial, WORKING, { patient: true })
  const lossPart = LOST_PERCENT / 100
  proxies.nats.set({ delayMs: DELAY_MS, lossPart, bytesPerSecond: BITS_PER_SECOND / 8 })
  proxies.database.set({ delayMs: DELAY_MS, lossPart })
  await underLoad(trial, () => sleep(SLOW_MS))
  await trial.mesh.heal()
}

/** Another process, with a mesh of its own, in a network that nobody else is in. @throws what did not hold there */
async function inNamespace({ random }: Trial): Promise<void> {
  const name = `deed-drill-${process.pid}`
  const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' })
  ip('netns', 'add', name)
  try {
    // Packets as small as on a real network: one that is lost is little.
    ip('-n', name, 'link', 'set', 'lo', 'up', 'mtu', '1500')
    const script = join(import.meta.dirname, '../lossy-mesh.ts')
    const seed = String(random.between(0, 2 ** 31))
    const args = ['netns', 'exec', name, process.execPath, script, seed]
    await promisify(execFile)('ip', args, { timeout: NAMESPACE_MS_MAX }).catch((error: { stderr?: string }) => {
      throw new Error(`in a network of its own: ${error.stderr?.trim().split('\n').at(-1) ?? error}`)
    })
  } finally {
    for (const pid of ip('netns', 'pids', name).split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL')
    ip('netns', 'del', name)
  }
}

/** In the network of this process: what goes to and from the ports; the first of them is slow, too. */
function losePackets(ports: readonly number[]): Disposable {
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const table = ['inet', 'deed_drill']
  run('nft', 'add', 'table', ...table)
  run('nft', `add chain ${table.join(' ')} in { type filter hook input priority 0; }`)
  const ends = ports.flatMap((port) => ['dport', 'sport'].map((end) => `tcp ${end} ${port}`))
  for (const end of ends)
    run('nft', `add rule ${table.join(' ')} in iif lo ${end} numgen random mod 100 < ${LOST_PERCENT} drop`)
  run('tc', ...'qdisc add dev lo root handle 1: htb'.split(' '))
  run('tc', ...`class add dev lo parent 1: classid 1:1 htb rate ${BITS_PER_SECOND}bit`.split(' '))
  for (const end of ['dport', 'sport'])
    run('tc', ...`filter add dev lo parent 1: protocol ip u32 match ip ${end} ${ports[0]} 0xffff flowid 1:1`.split(' '))
  return {
    [Symbol.dispose]() {
      run('nft', 'delete', 'table', ...table)
      run('tc', ...'qdisc del dev lo root'.split(' '))
    },
  }
}

/** As `byProxies`, and packets are lost in earnest behind them. */
export async function throughLostPackets(trial: Trial): Promise<void> {
  const { nats_url, database_url } = trial.mesh.mesh.connection
  await using proxies = await throughProxies(trial, WORKING, { patient: true })
  for (const proxy of [proxies.nats, proxies.database]) proxy.set({ delayMs: DELAY_MS })
  {
    using _ = losePackets([nats_url, database_url].map((url) => Number(new URL(url).port)))
    await underLoad(trial, () => sleep(SLOW_MS))
  }
  await trial.mesh.heal()
}

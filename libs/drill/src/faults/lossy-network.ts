/** Packets are lost, late and slow. Where it can be had, the kernel itself loses them, in a network of the drill's own. */
import { execFile, execFileSync } from 'node:child_process'
import { extname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { ServiceName } from '@deed/proto/contract'
import type { Fault, Trial } from '../harness/fault.ts'
import { thisMachine } from '../harness/machine.ts'
import { throughProxies } from '../harness/through-proxies.ts'
import { underLoad } from '../harness/under-load.ts'

const WORKING: readonly ServiceName[] = ['orchestrator', 'executor']
const SLOW_MS = 10_000
const LOSSY_MS = 20_000
const NAMESPACE_MS_MAX = 300_000
const DELAY_MS = 100
const LOST_PERCENT = 30
/** 64 kbit/s. */
const BYTES_PER_SECOND = 8_000

export const lossyNetwork: Fault = {
  id: 'F29',
  title: 'a third of the packets lost, 200 ms away, 64 kbit/s',
  async run(trial) {
    const { root, linux, has } = thisMachine()
    const byKernel = root && linux && ['ip', 'nft'].every(has)
    await (byKernel ? inNamespace(trial) : byProxies(trial))
  },
}

/** Pieces of data are held up for as long as TCP would take to send them again. */
async function byProxies(trial: Trial): Promise<void> {
  await using proxies = await throughProxies(trial, WORKING, { patient: true })
  const lossPart = LOST_PERCENT / 100
  proxies.nats.set({ delayMs: DELAY_MS, lossPart, bytesPerSecond: BYTES_PER_SECOND })
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
    const script = join(import.meta.dirname, `../lossy-mesh${extname(import.meta.filename)}`)
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

/**
 * In the network of this process: of what goes to the ports. Were as many lost of what comes from them, TCP would wait
 * for minutes now and then.
 */
function losePackets(ports: readonly number[]): Disposable {
  const nft = (...words: string[]) => execFileSync('nft', words, { stdio: ['ignore', 'ignore', 'pipe'] })
  nft('add table inet deed_drill')
  nft('add chain inet deed_drill in { type filter hook input priority 0; }')
  for (const port of ports)
    nft(`add rule inet deed_drill in iif lo tcp dport ${port} numgen random mod 100 < ${LOST_PERCENT} drop`)
  return { [Symbol.dispose]: () => void nft('delete table inet deed_drill') }
}

/** As `byProxies`, and packets are lost in earnest behind them. */
export async function throughLostPackets(trial: Trial): Promise<void> {
  const { nats_url, database_url } = trial.mesh.mesh.connection
  await using proxies = await throughProxies(trial, WORKING, { patient: true })
  proxies.nats.set({ delayMs: DELAY_MS, bytesPerSecond: BYTES_PER_SECOND })
  proxies.database.set({ delayMs: DELAY_MS })
  await underLoad(trial, async () => {
    using _ = losePackets([nats_url, database_url].map((url) => Number(new URL(url).port)))
    await sleep(LOSSY_MS)
  })
  await trial.mesh.heal()
}

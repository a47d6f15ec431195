/** Faults by chance, one after the other, until told to stop. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SERVICES } from '@deed/proto/contract'
import type { FaultMesh } from './fault-mesh.ts'
import type { Random } from './random.ts'

const PAUSE_MS_MIN = 100
const PAUSE_MS_MAX = 1_500
/** Longer than a lease at its end. */
const AWAY_MS_MAX = 4_000

type Disturb = (mesh: FaultMesh, random: Random) => Promise<string>

const killService: Disturb = async ({ mesh }, random) => {
  const service = mesh.service(random.pick(SERVICES))
  await service.kill()
  await sleep(random.between(0, 1_000))
  await service.start()
  return `killed the ${service.service}`
}

const freezeService: Disturb = async ({ mesh }, random) => {
  const { pid, service } = mesh.service(random.pick(SERVICES))
  const awayMs = random.between(500, AWAY_MS_MAX)
  if (pid === undefined) return `found no ${service}`
  process.kill(pid, 'SIGSTOP')
  await sleep(awayMs)
  process.kill(pid, 'SIGCONT')
  return `froze the ${service} for ${awayMs} ms`
}

const killServer =
  (server: 'nats' | 'postgres'): Disturb =>
  async ({ mesh }, random) => {
    await mesh[server]?.kill()
    await sleep(random.between(0, 1_000))
    await mesh[server]?.start()
    return `killed ${server}`
  }

const emptyQueue: Disturb = async ({ client }) => {
  const manager = await client.nc.jetstreamManager()
  await manager.streams.purge('WORK')
  return 'emptied the work queue'
}

const deleteQueue: Disturb = async ({ client }) => {
  const manager = await client.nc.jetstreamManager()
  await manager.streams.delete('WORK')
  return 'deleted the work queue'
}

/** As often as each is listed here. */
const MIX = [
  ...[killService, killService, killService, freezeService, freezeService],
  ...[killServer('nats'), killServer('postgres'), emptyQueue, deleteQueue],
]

/** Continues until `signal` is aborted, and leaves everything running. @returns what was done, in words */
export async function disturb(mesh: FaultMesh, random: Random, signal: AbortSignal): Promise<string[]> {
  const done: string[] = []
  while (!signal.aborted) {
    await sleep(random.between(PAUSE_MS_MIN, PAUSE_MS_MAX))
    try {
      done.push(await random.pick(MIX)(mesh, random))
    } catch (error) {
      // The queue that was to go may be gone already, and NATS may be away.
      done.push(`could not: ${error instanceof Error ? error.message : error}`)
    }
  }
  await mesh.heal()
  return done
}

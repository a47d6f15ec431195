/**
 * The streams that work travels through, looked after: what is deleted under a running mesh is made again, and until
 * then this replica is not ready.
 *
 * The intake of a tenant is not made again here: it holds promises, so who may make it is an operator's decision. It is
 * named as missing.
 */
import type { Bus } from '@deed/mesh/bus'
import { raiseAlert } from '@deed/mesh/raise-alert'
import { ensureWorkQueues, missingIntake } from '@deed/mesh/work-queue'
import { workAct } from '@deed/proto/action'
import { workSolve } from '@deed/proto/agent'
import { LOCAL } from '@deed/proto/ids'
import type { Log } from '@deed/telemetry/logger'

const EVERY_MS = 5_000

export interface WorkQueues extends Disposable {
  /** Looks now: nobody takes what was handed out. */
  lookNow(): void
  /** Sentences; empty where everything is there. */
  missing(): readonly string[]
}

/** @throws where they cannot be made at the start */
export async function keepWorkQueues(bus: Bus, log: Log, tenants: readonly string[]): Promise<WorkQueues> {
  let missing: string[] = []
  let stopped = false
  let looking = false
  let timer: NodeJS.Timeout | undefined

  const look = async (): Promise<void> => {
    clearTimeout(timer)
    looking = true
    try {
      const mended = await ensureWorkQueues(bus.nc, [workAct, workSolve])
      const absent = await missingIntake(bus.nc, tenants)
      // What was just mended shows once, so that whoever looks later knows why work stood still.
      const before = missing.length
      missing = [...mended.map((what) => `${what}; it is made again`), ...absent]
      if (missing.length > 0) log.error({ missing }, 'work queues were not as they should be')
      if (missing.length > 0 && before === 0) tell(missing)
    } catch (error) {
      missing = ['JetStream does not answer']
      if (!stopped) log.warn({ err: error }, 'the work queues cannot be looked at')
    } finally {
      looking = false
      if (!stopped) timer = setTimeout(lookNow, EVERY_MS)
    }
  }
  /** Once for as long as it lasts. */
  const tell = (what: readonly string[]): void =>
    raiseAlert(bus, {
      name: 'work-queue-missing',
      severity: 'critical',
      tenant: LOCAL.tenant,
      message: `${what.join('; ')}; find out who deleted it`,
      cause: new Date().toISOString(),
    })
  const lookNow = (): void => {
    if (!looking) void look()
  }
  await ensureWorkQueues(bus.nc, [workAct, workSolve])
  timer = setTimeout(lookNow, EVERY_MS)
  return {
    lookNow,
    missing: () => missing,
    [Symbol.dispose]() {
      stopped = true
      clearTimeout(timer)
    },
  }
}

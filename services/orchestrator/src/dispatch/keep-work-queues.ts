/**
 * The streams that work travels through, looked after: what is deleted under a running mesh is made again, and until
 * then this replica is not ready.
 *
 * The intake of a tenant is not made again here: it holds promises, so who may make it is an operator's decision. It is
 * named as missing.
 */
import type { Bus } from '@deed/mesh/bus'
import { every } from '@deed/mesh/every'
import { raiseAlert } from '@deed/mesh/raise-alert'
import { ensureWorkQueues, missingIntake } from '@deed/mesh/work-queue'
import { workAct } from '@deed/proto/action'
import { workSolve } from '@deed/proto/agent'
import { LOCAL } from '@deed/proto/ids'
import type { Log } from '@deed/telemetry/logger'
import { countLost } from '../intake/count-lost.ts'
import type { Database } from '../store/schema.ts'

const EVERY_MS = 5_000

export interface WorkQueues extends AsyncDisposable {
  /** Looks now: nobody takes what was handed out. */
  lookNow(): void
  /** Sentences; empty where everything is there. */
  missing(): readonly string[]
  /** Acknowledged submissions that were lost with a stream's storage, ever; at least so many. */
  lost(): readonly { tenant: string; count: number }[]
}

/** @throws where they cannot be made at the start */
export async function keepWorkQueues(
  db: Database,
  bus: Bus,
  log: Log,
  tenants: readonly string[],
): Promise<WorkQueues> {
  let missing: string[] = []
  const lost = new Map<string, number>()

  const look = async (): Promise<void> => {
    try {
      const mended = await ensureWorkQueues(bus.nc, [workAct, workSolve])
      const absent = await missingIntake(bus.nc, tenants)
      await countLostOnes()
      // What was just mended shows once, so that whoever looks later knows why work stood still.
      const before = missing.length
      missing = [...mended.map((what) => `${what}; it is made again`), ...absent]
      if (missing.length > 0) log.error({ missing }, 'work queues were not as they should be')
      if (missing.length > 0 && before === 0) tell(missing)
    } catch (error) {
      missing = ['JetStream does not answer']
      throw error
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
  const countLostOnes = async (): Promise<void> => {
    for (const tenant of tenants) {
      const { now, total } = (await countLost(db, bus, tenant)) ?? { now: 0, total: lost.get(tenant) ?? 0 }
      lost.set(tenant, total)
      if (now === 0) continue
      const message = `at least ${now} acknowledged submissions of ${tenant} are lost with the storage of its intake stream; whoever submitted them has to do it again`
      log.error({ tenant, lost: now }, message)
      raiseAlert(bus, {
        name: 'submissions-lost',
        severity: 'critical',
        tenant,
        message,
        cause: `${total}`,
        data: { lost: now },
      })
    }
  }
  await ensureWorkQueues(bus.nc, [workAct, workSolve])
  // Before anything is taken: what is taken may have the numbers of what is lost.
  await countLostOnes()
  const looking = every(EVERY_MS, look, { failed: 'the work queues cannot be looked at', log })
  return {
    lookNow: looking.hurry,
    missing: () => missing,
    lost: () => [...lost].filter(([, count]) => count > 0).map(([tenant, count]) => ({ tenant, count })),
    [Symbol.asyncDispose]: () => looking[Symbol.asyncDispose](),
  }
}

/**
 * Keeps the streams of the work queues: a stream that is deleted under a running mesh is created again, and until then
 * this replica is not ready.
 *
 * A tenant's intake stream is not created again here: it holds promises, so an operator must decide. It is reported as
 * missing.
 */
import type { Bus } from '@deed/mesh/bus'
import { raiseAlert } from '@deed/mesh/raise-alert'
import { ensureWorkQueues, missingIntake } from '@deed/mesh/work-queue'
import { every } from '@deed/process/every'
import { workAct } from '@deed/proto/action'
import { workSolve } from '@deed/proto/agent'
import { LOCAL } from '@deed/proto/ids'
import type { Log } from '@deed/telemetry/logger'
import type { Database } from '../store/schema.ts'
import { countLost } from './count-lost.ts'

const EVERY_MS = 5_000

export interface WorkQueues extends AsyncDisposable {
  /** Checks now: tasks that were handed out are not taken. */
  checkNow(): void
  /** Messages; empty if everything exists. */
  missing(): readonly string[]
  /** Acknowledged submissions that were lost with a stream's storage, in total; a lower bound. */
  lost(): readonly { tenant: string; count: number }[]
}

/** @throws if they cannot be created at the start */
export async function keepWorkQueues(
  db: Database,
  bus: Bus,
  log: Log,
  tenants: readonly string[],
  replicas: number,
): Promise<WorkQueues> {
  let missing: string[] = []
  const lost = new Map<string, number>()

  const check = async (): Promise<void> => {
    const before = missing.length
    missing = await whatIsMissing()
    // A repaired fault is reported once, so that a later check shows why work stopped.
    if (missing.length > 0) log.error({ missing }, 'work queues are missing or wrong')
    if (missing.length > 0 && before === 0) tell(missing)
    // Last: it needs the database, whose faults say nothing about the queues.
    await countLostOnes()
  }
  const whatIsMissing = async (): Promise<string[]> => {
    try {
      const mended = await ensureWorkQueues(bus.nc, [workAct, workSolve], replicas)
      return [...mended.map((what) => `${what}; creating it again`), ...(await missingIntake(bus.nc, tenants))]
    } catch (error) {
      missing = ['JetStream does not answer']
      throw error
    }
  }
  /** Raises the alert once for as long as the fault lasts. */
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
      const message = `at least ${now} acknowledged submissions of ${tenant} are lost with the storage of its intake stream; submit them again`
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
  await ensureWorkQueues(bus.nc, [workAct, workSolve], replicas)
  // Counted before anything is taken: new submissions may reuse the numbers of lost ones.
  await countLostOnes()
  const looking = every(EVERY_MS, check, { failed: 'checking the work queues failed', log })
  return {
    checkNow: looking.hurry,
    missing: () => missing,
    lost: () => [...lost].filter(([, count]) => count > 0).map(([tenant, count]) => ({ tenant, count })),
    [Symbol.asyncDispose]: () => looking[Symbol.asyncDispose](),
  }
}

/** The load of the drill, with faults by chance meanwhile, and what came of every single request. */

import { inLanes } from '@deed/process/in-lanes'
import { getExecution, requestExecution, SUBMIT_SUBJECT } from '@deed/proto/execution'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { ask } from './harness/ask.ts'
import { untilQuiet } from './harness/check-invariants.ts'
import { disturb } from './harness/disturb.ts'
import type { FaultMesh } from './harness/fault-mesh.ts'
import { drawLoad, type Wanted } from './harness/load.ts'
import type { Random } from './harness/random.ts'
import { standstill } from './harness/standstill.ts'

const LANES = 16
/** So short that many who ask hear nothing, and have to ask again. */
const IMPATIENT_MS = 300

export interface LoadCounts {
  /** A reply or an acknowledgement said that it will be done. */
  accepted: number
  /** Ended, in the tables. */
  executed: number
  /** Done, with evidence for each step. */
  verified: number
  /** Done without. */
  unverified: number
  /** Effects that the witnesses saw once more than once. */
  duplicates: number
  /** Accepted, and unknown to the tables. */
  lost: number
  /** Not ended, long after all faults were over. */
  stuck: number
}

export interface LoadReport extends LoadCounts {
  /** How long after the last fault, healed, everything had ended, in milliseconds. */
  quiet_after_ms: number
  /** Where the world or the end of an execution is not as it has to be, and what was in the way. */
  wrong: string[]
  /** What was done to the mesh meanwhile. */
  disturbances: string[]
}

export async function runLoad(mesh: FaultMesh, random: Random, executions: number): Promise<LoadReport> {
  const wanted = drawLoad(mesh, random, executions)
  const accepted: Accepted = new Map()
  const over = new AbortController()
  const disturbing = disturb(mesh, random, over.signal)
  const wrong: string[] = []
  const ofEach = (way: () => Way): Promise<unknown> =>
    inLanes(LANES, wanted, async (one) => {
      try {
        await way()(mesh, one, accepted)
      } catch (error) {
        wrong.push(`${one.key}: ${error instanceof Error ? error.message : error}`)
      }
    })
  const quiet = (): Promise<void> =>
    untilQuiet(mesh.database).catch(async (error: Error) => {
      wrong.push(`${error.message}\n${await standstill(mesh)}`)
    })
  await ofEach(() => random.pick(WAYS))
  over.abort()
  const disturbances = await disturbing
  const healed = performance.now()
  await quiet()
  const quiet_after_ms = Math.round(performance.now() - healed)
  // Callers without an answer ask again, under the same key.
  await ofEach(() => waits)
  await quiet()
  const judged = await judge(mesh, wanted, accepted)
  return { ...judged, wrong: [...wrong, ...judged.wrong], quiet_after_ms, disturbances }
}

type Accepted = Map<string, Set<string>>
type Way = (mesh: FaultMesh, one: Wanted, accepted: Accepted) => Promise<void>

const requestOf = ({ key, task, workspace }: Wanted) => ({ task, context: { workspace }, idempotency_key: key })

function accept(accepted: Accepted, { key }: Wanted, executionId?: string): void {
  const ids = accepted.get(key) ?? new Set()
  if (executionId !== undefined) ids.add(executionId)
  accepted.set(key, ids)
}

const waits: Way = async ({ client }, one, accepted) => {
  accept(accepted, one, (await ask(client, requestOf(one))).execution_id)
}

const asksTwice: Way = async (mesh, one, accepted) => {
  await Promise.all([waits(mesh, one, accepted), waits(mesh, one, accepted)])
}

const submits: Way = async ({ client }, one, accepted) => {
  try {
    await client.nc.jetstream().publish(SUBMIT_SUBJECT, JSON.stringify(requestOf(one)))
    accept(accepted, one)
  } catch {
    // No acknowledgement, no promise: it is asked for again at the end.
  }
}

const givesUp: Way = async ({ client }, one, accepted) => {
  try {
    const { execution_id } = await client.call(requestExecution, requestOf(one), { timeoutMs: IMPATIENT_MS })
    accept(accepted, one, execution_id)
  } catch {
    // Unknown whether it was heard.
  }
}

const WAYS = [waits, waits, waits, asksTwice, submits, submits, givesUp]

async function judge(
  mesh: FaultMesh,
  wanted: readonly Wanted[],
  accepted: Accepted,
): Promise<LoadCounts & { wrong: string[] }> {
  const wrong: string[] = []
  const counts: LoadCounts = {
    accepted: accepted.size,
    executed: 0,
    verified: 0,
    unverified: 0,
    duplicates: 0,
    lost: 0,
    stuck: 0,
  }
  for (const one of wanted) {
    const reply = await mesh.client.call(getExecution, { idempotency_key: one.key }).catch(() => undefined)
    if (!reply) {
      if (accepted.has(one.key)) counts.lost++
      continue
    }
    const ids = accepted.get(one.key) ?? new Set()
    if (ids.size > 1 || (ids.size === 1 && !ids.has(reply.execution_id))) wrong.push(`${one.key}: several executions`)
    if (!(FINAL_EXECUTION_STATUSES as ReadonlySet<string>).has(reply.status)) {
      counts.stuck++
      continue
    }
    counts.executed++
    const proven = reply.verification.length > 0 && reply.verification.every(({ outcome }) => outcome === 'verified')
    if (reply.status === 'done') proven ? counts.verified++ : counts.unverified++
    counts.duplicates += Math.max(0, (one.times?.() ?? 0) - 1)
    const end = reply.status === 'done' ? 'done' : 'undone'
    const why = end === one.ends ? one.wrong() : `${reply.status}: ${reply.error?.message ?? 'without a reason'}`
    if (why !== undefined) wrong.push(`${one.key} (${one.task}): ${why}`)
  }
  return { ...counts, wrong }
}

/** Runs the cases of the truth drill, and compares what Deed says with what the world says. */

import { inLanes } from '@deed/process/in-lanes'
import { until } from '@deed/process/until'
import { DeedError } from '@deed/proto/errors'
import { type ExecutionDetail, type ExecutionReply, getExecution, requestExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { cancelExecution } from '@deed/proto/steering'
import { thisMachine } from '../harness/machine.ts'
import type { Random } from '../harness/random.ts'
import { rollBack } from '../harness/roll-back.ts'
import type { Case, Place, Trial } from './case.ts'
import { folderState } from './outside.ts'
import { type TruthMesh, truthMesh } from './truth-mesh.ts'

const LANES = 16
/** A lie that makes Deed try again and again is not believed in the meantime; it is given up then. */
const LIE_MS_MAX = 20_000
const ENDED_MS_MAX = 600_000

export interface Cases {
  readonly lies: readonly Case[]
  readonly ordinary: readonly Case[]
}

/** Of one kind of action, or of all. */
export interface TruthCounts {
  lies: number
  ordinary: number
  false_successes: number
  false_rollbacks: number
  false_refusals: number
}

export interface TruthReport extends TruthCounts {
  seed: number
  by_kind: Record<string, TruthCounts>
  /** A line for each case that failed: its kind, what it says, and what came of it. */
  wrong: { false_successes: string[]; false_rollbacks: string[]; false_refusals: string[]; broken: string[] }
  /** What this machine lacks, and how many cases need it. */
  skipped: Record<string, number>
}

export const isTruthful = ({ wrong }: TruthReport): boolean => Object.values(wrong).every((lines) => lines.length === 0)

interface Options {
  random: Random
  seed: number
  progress(line: string): void
  signal?: AbortSignal | undefined
}

/** In an order by chance, so that none always meets the same neighbours. */
export async function runTruth(
  { lies, ordinary }: Cases,
  { random, seed, progress, signal }: Options,
): Promise<TruthReport> {
  const report: TruthReport = {
    seed,
    ...NONE,
    by_kind: {},
    wrong: { false_successes: [], false_rollbacks: [], false_refusals: [], broken: [] },
    skipped: {},
  }
  const machine = thisMachine()
  const wanted = [...lies, ...ordinary].filter((one) => {
    const missing = one.needs?.(machine)
    if (missing !== undefined) report.skipped[missing] = (report.skipped[missing] ?? 0) + 1
    return missing === undefined
  })
  for (let left = wanted.length; left > 1; left--) {
    const at = random.between(0, left - 1)
    ;[wanted[left - 1], wanted[at]] = [wanted[at]!, wanted[left - 1]!]
  }
  if (wanted.length === 0) return report
  await using mesh = await truthMesh(wanted)
  const lying = new Set(lies)
  let tried = 0
  await inLanes(LANES, wanted, async (one) => {
    if (signal?.aborted) return
    const counts = report.by_kind[one.kind] ?? { ...NONE }
    report.by_kind[one.kind] = counts
    const sort = lying.has(one) ? 'lies' : 'ordinary'
    const verdict = await judge(mesh, one, sort === 'lies').catch(
      (error: Error): Verdict => ({ fault: 'broken', why: error.stack ?? error.message }),
    )
    for (const sum of [counts, report]) {
      sum[sort]++
      if (verdict && verdict.fault !== 'broken') sum[verdict.fault]++
    }
    if (verdict) report.wrong[verdict.fault].push(`${one.kind}: ${one.says}: ${verdict.why}`)
    if (verdict) progress(`${verdict.fault.replace('_', ' ')}: ${one.kind}: ${one.says}: ${verdict.why}`)
    if (++tried % PROGRESS_EVERY === 0) progress(`${tried} of ${wanted.length} cases tried`)
  })
  if (signal?.aborted) report.wrong.broken.push('it was interrupted')
  return report
}

const NONE: TruthCounts = { lies: 0, ordinary: 0, false_successes: 0, false_rollbacks: 0, false_refusals: 0 }
const PROGRESS_EVERY = 50

type Verdict = { fault: keyof TruthReport['wrong']; why: string } | undefined

async function judge(mesh: TruthMesh, one: Case, isLie: boolean): Promise<Verdict> {
  const place = mesh.placeOf(one)
  const trial = await one.make(place)
  const world = async (): Promise<string> => (trial.world ? trial.world() : folderState(place.root))
  const before = await world()
  const reply = await answerTo(mesh, place, trial, isLie ? LIE_MS_MAX : ENDED_MS_MAX)
  const status = reply.status
  const ended = `${status}${reply.error ? `, ${reply.error.code}: ${reply.error.message}` : ''}`
  const seen = reply.verification.map(({ observed }) => observed).join('; ')
  if (status === 'rolled_back' && (await world()) !== before)
    return { fault: 'false_rollbacks', why: `${ended}\n${changed(before, await world())}` }
  if (status !== 'done' && reply.metrics.success) return { fault: 'false_successes', why: `a success, and ${ended}` }
  if (status !== 'done') return isLie ? undefined : { fault: 'false_refusals', why: `${ended} (${seen})` }
  if (await meddledSince(trial, reply)) return undefined
  if (!(await trial.holds(reply))) return { fault: 'false_successes', why: `done, verified: ${seen}` }
  if (trial.undo === undefined) return undefined
  if (trial.undo !== true) await trial.undo()
  const undone = await undo(mesh, reply.execution_id as ExecutionId)
  const after = await world()
  if (undone.status === 'rolled_back')
    return after === before || (await meddledSince(trial, undone))
      ? undefined
      : { fault: 'false_rollbacks', why: changed(before, after) }
  return isLie ? undefined : { fault: 'false_refusals', why: `its rollback: ${undone.why}` }
}

/** The lines that only one of the two has. */
function changed(before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')]
  const lost = old.filter((line) => !now.includes(line)).map((line) => `- ${line}`)
  const found = now.filter((line) => !old.includes(line)).map((line) => `+ ${line}`)
  return [...lost, ...found].slice(0, 10).join('\n')
}

async function answerTo(
  { client }: TruthMesh,
  { name, key }: Place,
  { actions, during }: Trial,
  withinMs: number,
): Promise<ExecutionReply> {
  const tasks = actions.map((action, index) => ({
    id: `a${index}`,
    action,
    ...(index > 0 ? { depends_on: [`a${index - 1}`] } : {}),
  }))
  const manifest = { name: key, workspace: name, tasks }
  const request = { manifest, mode: during ? 'background' : 'immediate', idempotency_key: key }
  const asked = (await client.call(requestExecution, request as never).catch((error: unknown) => {
    // It continues without us, so it is found by its key.
    if (error instanceof DeedError && error.code === 'deadline_exceeded')
      return client.call(getExecution, { idempotency_key: key })
    return refusal(error)
  })) as ExecutionReply
  const execution_id = asked.execution_id as ExecutionId | undefined
  if (!during || execution_id === undefined) return ended(client, asked, withinMs)
  await during(execution_id)
  // What it waited for when it was asked for has been answered.
  return ended(client, await client.call(getExecution, { execution_id }), withinMs)
}

/** What is refused at once is a failure like any other. */
function refusal(error: unknown): ExecutionReply {
  if (!(error instanceof DeedError)) throw error
  const { code, message, retryable } = error
  return {
    status: 'failed',
    error: { code, message, retryable },
    verification: [],
    metrics: { success: false },
  } as never
}

/** Once it is final, or waits for a person, which is no claim. */
async function ended(client: TruthMesh['client'], reply: ExecutionReply, withinMs: number): Promise<ExecutionReply> {
  const isOver = ({ status, approval_id }: ExecutionReply): boolean =>
    (FINAL_EXECUTION_STATUSES as ReadonlySet<string>).has(status) || approval_id !== undefined
  if (isOver(reply)) return reply
  const { execution_id } = reply
  const poll = async (): Promise<ExecutionReply | undefined> => {
    const detail = await client.call(getExecution, { execution_id })
    return isOver(detail) || isUndoneLater(detail) ? detail : undefined
  }
  const what = `the end of ${execution_id}`
  const found = await until(poll, { timeoutMs: withinMs, what }).catch(() => undefined)
  if (found) return found
  const late = lastOf(await client.call(getExecution, { execution_id }))
  await client.call(cancelExecution, { execution_id: execution_id as ExecutionId, undo: true, reason: late })
  return until(poll, { timeoutMs: ENDED_MS_MAX, what }).catch(async (error: unknown) => {
    const detail = await client.call(getExecution, { execution_id })
    throw new Error(`${(error as Error).message}: ${lastOf(detail)}`)
  })
}

/** The current step, for the reader of the report. */
const lastOf = ({ status, timeline }: ExecutionDetail): string =>
  `${status} after ${timeline
    .slice(-3)
    .map(({ type, data }) => `${type} ${JSON.stringify(data)}`)
    .join(', ')}`.slice(0, REASON_CHARS_MAX)
const REASON_CHARS_MAX = 1_000

/** What cannot be reached cannot be undone yet: it is cancelled, its undo is tried for minutes, and nothing is claimed. */
function isUndoneLater({ status, timeline }: ExecutionDetail): boolean {
  const cancelled = timeline.findIndex(({ type }) => type === 'execution.cancel_requested')
  const retried = timeline.slice(cancelled).filter(({ type }) => type === 'task.retried')
  return (
    status === 'undoing' && cancelled >= 0 && retried.length > 1 && retried.every(({ data }) => data.intent === 'undo')
  )
}

/** Whether the world was changed after Deed began to look: it may have seen what it says, so that is no lie of Deed. */
async function meddledSince(
  { meddling }: Trial,
  { verification }: Pick<ExecutionReply, 'verification'>,
): Promise<boolean> {
  const at = await meddling?.at()
  return at !== undefined && verification.every(({ observed_at }) => Date.parse(observed_at) <= at)
}

interface Undone extends Pick<ExecutionReply, 'verification'> {
  status: string
  why: string
}

async function undo({ client }: TruthMesh, id: ExecutionId): Promise<Undone> {
  try {
    await rollBack(client, id)
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    return { status: 'refused', why: `${error.code}: ${error.message}`, verification: [] }
  }
  const detail = await until(
    async () => {
      const found = await client.call(getExecution, { execution_id: id })
      return ['rolled_back', 'rollback_failed'].includes(found.status) || found.approval_id !== undefined
        ? found
        : undefined
    },
    { timeoutMs: ENDED_MS_MAX, what: `the rollback of ${id}` },
  )
  const { status, error, verification } = detail
  return { status, why: `${status}, ${error?.code}: ${error?.message}`, verification }
}

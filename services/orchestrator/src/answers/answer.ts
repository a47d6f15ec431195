/** The result of an execution: as a text for people, and as the reply to the caller. */
import type { WordsRead } from '@deed/proto/action'
import type { ExecutionReply } from '@deed/proto/execution'
import type { ApprovalId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import type { Evidence } from '@deed/proto/observation'
import { traceIdOf } from '@deed/telemetry/trace-context'
import { choiceOf, openQuestion, proposalOf } from '../execution/person-task.ts'
import { isAct, type Snapshot, type TaskRow } from '../execution/snapshot.ts'

const MICROUSD = 1_000_000
const EVIDENCE_SHOWN = 300
const READINGS_SHOWN = 100

/** The reply to the caller at any time: the result once the execution has ended, else its status. */
export function replyOf(snapshot: Snapshot, now: number): ExecutionReply {
  const { execution, tasks, approvals } = snapshot
  const verification = execution.cited ?? evidenceOf(tasks.values())
  const asked = [...approvals.values()].find(
    ({ status, asked_at, expires_at }) => status === 'pending' && asked_at !== null && Date.parse(expires_at) > now,
  )
  const person = execution.status === 'waiting' ? personTaskOf(tasks.values()) : undefined
  const open = asked?.approval_id ?? (person && (String(person.task_id) as ApprovalId))
  const question = asked === undefined && person ? choiceOf(person)?.question : undefined
  const readings = readingsOf(tasks.values())
  const finished = execution.finished_at === null ? now : Date.parse(execution.finished_at)
  return {
    execution_id: execution.execution_id,
    status: execution.status,
    result: execution.finished_at === null ? null : execution.result,
    template_used: execution.template_used,
    model_used: execution.model_used,
    method: execution.method,
    metrics: {
      time_ms: Math.max(0, finished - Date.parse(execution.created_at)),
      tokens_used: execution.tokens_used,
      cost_usd: execution.cost_microusd / MICROUSD,
      cache_hit: execution.cache_hit,
      quality: null,
      success: execution.status === 'done' && execution.task_verified && verification.some(isProof),
      ...(execution.degraded.length === 0 ? {} : { degraded: execution.degraded }),
    },
    verification: verification.slice(0, EVIDENCE_SHOWN),
    task_verified: execution.status === 'done' && execution.task_verified,
    ...seen(verification, now),
    ...(verification.length > EVIDENCE_SHOWN ? { verification_omitted: verification.length - EVIDENCE_SHOWN } : {}),
    trace_id: traceIdOf(execution.trace),
    ...defined({ approval_id: open }),
    ...(question ? { question: openQuestion(question) } : {}),
    ...(readings.length > 0 ? { readings } : {}),
    ...(execution.error === null ? {} : { error: { ...execution.error, execution_id: execution.execution_id } }),
  }
}

/** A well-formed proposal proves nothing about the world. */
const isProof = ({ kind }: Evidence): boolean => kind !== 'validated'
/** An answer is as old as its oldest observation. A person's signature is not an observation. */
function seen(verification: readonly Evidence[], now: number): Pick<ExecutionReply, 'seen_at' | 'age_ms'> {
  let oldest: string | undefined
  for (const { kind, observed_at: at } of verification) {
    if (kind === 'signed' || kind === 'validated') continue
    if (oldest === undefined || at < oldest) oldest = at
  }
  return oldest === undefined ? {} : { seen_at: oldest, age_ms: Math.max(0, Math.round(now - Date.parse(oldest))) }
}

/** The first task that waits for a person. */
function personTaskOf(tasks: Iterable<TaskRow>): TaskRow | undefined {
  for (const task of tasks) {
    const { capability, task_kind, actual_status, started_at } = task
    if (capability !== 'human' || task_kind === 'approve' || started_at === null) continue
    if (actual_status === 'pending' && !proposalOf(task)) return task
  }
  return undefined
}

/** How the words were understood, each once. */
function readingsOf(tasks: Iterable<TaskRow>): WordsRead[] {
  const found = new Map<string, WordsRead>()
  for (const task of tasks) {
    const reading = isAct(task) ? task.spec.reading : undefined
    if (reading && found.size < READINGS_SHOWN) found.set(`${reading.of}\n${reading.text}`, reading)
  }
  return [...found.values()]
}

function evidenceOf(tasks: Iterable<TaskRow>): Evidence[] {
  const evidence: Evidence[] = []
  for (const { verification, undo_verification } of tasks) {
    if (verification !== null) evidence.push(verification)
    if (undo_verification !== null) evidence.push(undo_verification)
  }
  return evidence
}

/**
 * Seals the actions that will run, and puts approvals before them: from grants, for the plan as a whole, and for each
 * step of level 3 on its own.
 */
import { randomUUIDv7 } from 'node:crypto'
import { hashJson } from '@deed/json/canonical-json'
import type { PlanScreen, PlanStep, SealedStep } from '@deed/proto/approval'
import type { Grant } from '@deed/proto/grant'
import type { ApprovalId, TaskId } from '@deed/proto/ids'
import { defined, type JsonObject } from '@deed/proto/json'
import { changesOf } from '../execution/differences.ts'
import { isoTime } from '../execution/iso-time.ts'
import { newTask } from '../execution/new-task.ts'
import { signed } from '../execution/signed.ts'
import type { ApprovalRow, ExecutionRow, PlanPart, TaskRow, Work } from '../execution/snapshot.ts'
import { covers, differsIn, type GrantRequest } from '../policy/grant.ts'
import type { Level, Policy } from '../policy/policy.ts'
import type { Workspaces } from '../policy/touched-by.ts'
import { freeName } from './free-name.ts'
import { hiddenIn } from './hidden-in.ts'
import { type Candidate, isIrreversible } from './weigh-actions.ts'

export interface Sealing {
  policy: Policy
  workspaces: Workspaces
  /** The tenant's grants; read only if an approval is required. */
  grants(tenant: string): Promise<Grant[]>
  now(): number
}

export interface Unsealed {
  execution: ExecutionRow
  /** All tasks of the plan, including the actions. */
  tasks: TaskRow[]
  candidates: readonly Candidate[]
  parts: PlanPart[]
  /** Names in use; the approvals' names are added. */
  names: Set<string>
  /** Of the first approval. */
  position: number
  estimate?: PlanScreen['estimate']
  /** What was approved earlier in place of the only action. */
  earlier?: JsonObject
}

/** The total size of the diffs in one approval, in characters; arguments are complete. */
const DIFF_CHARS_MAX = 131_072

export async function sealPlan(sealing: Sealing, unsealed: Unsealed): Promise<Work> {
  const { execution, tasks, candidates, parts, names, position, earlier } = unsealed
  const { policy } = sealing
  for (const { task, action } of candidates) {
    task.spec = action as JsonObject
    task.action_hash = hashJson(action)
  }
  const approvals: ApprovalRow[] = []
  const people: TaskRow[] = []
  const ask = (covered: readonly Candidate[], asked: Omit<ApprovalRequest, 'position' | 'earlier'>): void => {
    const made = approvalFor(sealing, execution, covered, { ...asked, position: position + people.length, earlier })
    people.push(made.task)
    approvals.push(made.approval)
    for (const { task } of covered) {
      task.approval_id = made.approval.approval_id
      task.dependencies = [...task.dependencies, made.task.task_id]
    }
  }
  const granted = new Map<Candidate, Grant>()
  if (candidates.some(({ task: { level } }) => level === 1 || level === 2)) {
    const grants = await sealing.grants(execution.tenant)
    for (const candidate of candidates) {
      const asked = { action: candidate.action, level: candidate.task.level, user: execution.user_name }
      const grant =
        asked.level > 0 &&
        grants.find((one) => covers(policy, sealing.workspaces, one, { ...asked, now: sealing.now() }))
      if (grant) granted.set(candidate, grant)
      else if (asked.level > 0) sayWhatDiffers(sealing, grants, candidate, asked)
    }
  }
  for (const grant of new Set(granted.values())) {
    const own = candidates.filter((candidate) => granted.get(candidate) === grant)
    ask(own, { level: highest(own), before: [], name: freeName(names, 'granted'), grant })
  }
  const open = candidates.filter((candidate) => candidate.task.level < 3 && !granted.has(candidate))
  const level = highest(open)
  // From level 2 on the whole plan is reviewed, including its harmless steps.
  const covered = level === 2 ? open : open.filter((candidate) => candidate.task.level === 1)
  if (level > 0) ask(covered, { level, before: [], name: freeName(names, 'approve') })
  for (const step of candidates) {
    if (step.task.level < 3) continue
    const before = [...step.task.dependencies]
    ask([step], { level: 3, before, name: freeName(names, `approve-${step.task.name}`) })
  }
  const planned = candidates.map(({ task }) => ({ task_id: task.task_id, action_hash: task.action_hash }))
  const screen = approvals.length === 0 ? undefined : screenOf(unsealed, approvals)
  return {
    tasks: [...tasks, ...people],
    approvals,
    plan: {
      number: 0,
      plan: { parts, ...defined({ screen }) },
      plan_hash: hashJson({ policy_version: policy.version, actions: planned }),
      policy_version: policy.version,
    },
  }
}

/** Notes which name prevents a grant from applying, because it no longer means the same. */
function sayWhatDiffers(
  { policy, workspaces, now }: Sealing,
  grants: readonly Grant[],
  candidate: Candidate,
  asked: Omit<GrantRequest, 'now'>,
): void {
  const other = grants.find((one) => covers(policy, workspaces, { ...one, means: {} }, { ...asked, now: now() }))
  if (!other) return
  candidate.changed = differsIn(other, candidate.action)
  candidate.why = `${candidate.why}; the grant of ${other.granted_by} does not apply: its names meant something else`
}

const highest = (candidates: readonly Candidate[]): Level =>
  Math.max(0, ...candidates.map(({ task }) => task.level)) as Level

interface ApprovalRequest {
  level: Level
  /** The tasks that run before the approval is requested. */
  before: TaskId[]
  name: string
  position: number
  grant?: Grant
  earlier: JsonObject | undefined
}

function approvalFor(
  { policy, now }: Sealing,
  execution: ExecutionRow,
  covered: readonly Candidate[],
  { level, before, name, position, grant, earlier }: ApprovalRequest,
): { task: TaskRow; approval: ApprovalRow } {
  const at = now()
  const approvalId = randomUUIDv7() as ApprovalId
  const sealed = covered.map(({ task: { task_id, action_hash } }) => ({ task_id, action_hash }))
  const planHash = hashJson({ policy_version: policy.version, actions: sealed })
  const task = newTask(execution, {
    position,
    name,
    title: `approve ${covered.length === 1 ? covered[0]?.summary : `${covered.length} actions`}`
      .slice(0, 512)
      .toWellFormed(),
    task_kind: 'approve',
    capability: 'human',
    priority: 1,
    level,
    dependencies: before,
    now: at,
    ...(grant === undefined ? {} : grantedBy(grant, { at, approvalId, planHash, policyVersion: policy.version })),
  })
  return {
    task,
    approval: {
      tenant: execution.tenant,
      approval_id: approvalId,
      execution_id: execution.execution_id,
      task_id: task.task_id,
      level,
      status: grant === undefined ? 'pending' : 'approved',
      plan_hash: planHash,
      policy_version: policy.version,
      sealed: Object.fromEntries(sealed.map(({ task_id, action_hash }) => [task_id, action_hash ?? ''])),
      actions: stepsOf(covered, earlier),
      plan_number: 0,
      grant_id: grant?.grant_id ?? null,
      requested_by: execution.user_name,
      decided_by: grant?.granted_by ?? null,
      reason: grant?.reason ?? null,
      created_at: isoTime(at),
      asked_at: grant === undefined ? null : isoTime(at),
      decided_at: grant === undefined ? null : isoTime(at),
      consumed_at: null,
      expires_at: isoTime(at + policy.approval_ttl_seconds * 1_000),
    },
  }
}

function grantedBy(
  grant: Grant,
  {
    at,
    approvalId,
    planHash,
    policyVersion,
  }: { at: number; approvalId: ApprovalId; planHash: string; policyVersion: string },
): Partial<TaskRow> {
  return {
    actual_status: 'done',
    finished_at: isoTime(at),
    verification: signed({
      claimed: 'approval required',
      observed: `approved in advance by ${grant.granted_by}, with grant ${grant.grant_id}`,
      at,
      facts: {
        approval_id: approvalId,
        grant_id: grant.grant_id,
        plan_hash: planHash,
        policy_version: policyVersion,
      },
    }),
  }
}

/** @param earlier what was approved earlier in place of the only one */
export function stepsOf(covered: readonly Candidate[], earlier?: JsonObject): SealedStep[] {
  let left = DIFF_CHARS_MAX
  return covered.map(({ task, action, summary, why, effect, inspection, changed }) => {
    const diff = inspection?.diff?.slice(0, left) ?? null
    left -= diff?.length ?? 0
    return {
      task_id: task.task_id,
      title: task.title,
      summary,
      level: task.level,
      why,
      action: action as JsonObject,
      hidden: hiddenIn(action as JsonObject),
      effect: effect ?? null,
      reversibility: inspection?.reversibility ?? null,
      state_before: inspection === undefined || inspection.state_before === '' ? null : inspection.state_before,
      environment: inspection?.environment ?? null,
      sandbox: inspection?.sandbox ?? null,
      diff: diff === '' ? null : diff,
      observes: inspection?.observes ?? null,
      changed: earlier === undefined ? (changed ?? []) : changesOf(earlier, action),
    }
  })
}

/** @param approvals those that the plan waits for */
export function screenOf(
  { tasks, candidates, estimate = null }: Unsealed,
  approvals: readonly ApprovalRow[],
): PlanScreen {
  const approvalOf = new Map(approvals.map((approval) => [approval.approval_id, approval]))
  const names = new Map(tasks.map(({ task_id, name }) => [task_id, name]))
  const known = new Map<TaskRow, Candidate>(candidates.map((candidate) => [candidate.task, candidate]))
  const shown = tasks.length === 0 ? candidates.map(({ task }) => task) : tasks
  const goalApprovalOf = ({ approval_id: id }: TaskRow): PlanStep['agreement'] => {
    const approval = id === null ? undefined : approvalOf.get(id)
    if (!approval) return 'none'
    if (approval.grant_id !== null) return 'grant'
    return approval.level === 3 ? 'own' : 'plan'
  }
  return {
    steps: shown.map((task) => ({
      task_id: task.task_id,
      name: task.name,
      title: known.get(task)?.summary ?? task.title,
      level: task.level,
      after: task.dependencies.flatMap((id) => names.get(id) ?? []),
      reversibility: known.get(task)?.inspection?.reversibility ?? null,
      agreement: goalApprovalOf(task),
    })),
    point_of_no_return: candidates.find(isIrreversible)?.task.name ?? null,
    estimate,
  }
}

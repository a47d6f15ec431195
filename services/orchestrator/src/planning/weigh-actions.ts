/** The approval level of each action of a plan: by policy alone if that is enough, else by inspecting the targets. */

import type { ExecutionConfig } from '@deed/config/execution-config'
import { secretsElsewhere } from '@deed/config/secret-use'
import type { Bus } from '@deed/mesh/bus'
import { inLanes } from '@deed/process/in-lanes'
import { type Action, type EffectClass, type Inspection, inspectAction } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { z } from 'zod'
import type { Changed } from '../execution/differences.ts'
import { onBehalfOf } from '../execution/on-behalf-of.ts'
import type { ExecutionRow, TaskRow } from '../execution/snapshot.ts'
import { argvOf, effectOf, levelOf, type Policy } from '../policy/policy.ts'
import { footprint, touchedBy, type Workspaces } from '../policy/touched-by.ts'
import type { Hold } from '../store/decided.ts'
import { predecessors } from './comes-after.ts'
import { isDecidedBefore, releasesOf } from './deployments.ts'

/** The maximum per request: their diffs must fit in one reply. */
const INSPECTED_MAX = 12
const LANES = 8

export interface Weighing {
  bus: Bus
  policy: Policy
  workspaces: Workspaces
  /** The secrets of execution.yaml, with their permitted uses. */
  secrets: ExecutionConfig['secrets']
  /** Whether the organization permits to deploy one of the releases to an environment now; undefined: any release. */
  permits(tenant: string, environment: string, releases: readonly string[] | undefined): Promise<boolean>
  /** Who keeps one of the targets from being acted on now. */
  holdOn(tenant: string, targets: readonly string[]): Promise<Hold | undefined>
  /**
   * The approval covers every later time when the postcondition does not hold: that it holds now does not change the
   * level.
   */
  permanent?: boolean
}

/** An action of a plan in progress. */
export interface Candidate {
  task: TaskRow
  action: Action
  summary: string
  why: string
  effect: EffectClass | undefined
  /** Absent without an inspection. */
  inspection?: Inspection
  /** The difference from what was approved in advance. */
  changed?: Changed[]
}

/**
 * Sets the level of each action, and its preconditions.
 *
 * @param others tasks of the plan whose actions are not known yet
 * @param inspectAll inspect the targets of actions that need no inspection, too
 * @throws {DeedError} if an action is impossible: an unknown target, a path outside of the workspace
 */
export async function weighActions(
  weighing: Weighing,
  execution: ExecutionRow,
  candidates: readonly Candidate[],
  { others = [], inspectAllTargets = false }: { others?: readonly TaskRow[]; inspectAllTargets?: boolean } = {},
): Promise<void> {
  const { policy, workspaces, secrets, permanent = false } = weighing
  let mustInspect = inspectAllTargets || permanent
  const before = footprint()
  for (const candidate of candidates) {
    const { task, action } = candidate
    const known = policy.kinds[action.kind]
    const touched = touchedBy(policy, workspaces, action)
    const creates =
      known?.creates === 'absent' && touched !== 'anything' && touched.length > 0 && before.meetsWhatIs(touched, true)
    before.add(touched, creates || known?.effect === 'create')
    candidate.effect = creates ? 'create' : effectOf(policy, action.kind, action.input)
    const { level, why } = levelOf(policy, {
      kind: action.kind,
      effect: candidate.effect,
      reversibility: known?.reversibility,
      environment: undefined,
      sandbox: undefined,
      argv: argvOf(action.input),
      untrusted: action.untrusted_sources !== undefined,
      reading: action.reading?.by,
      secrets: secretsElsewhere(secrets, action),
    })
    task.level = level
    candidate.why = why
    if (creates) action.expect_before = 'absent'
    // Only the executor knows the environment of a target, which may raise the level.
    if (level > 0 || (candidate.effect !== 'read' && typeof action.input.target === 'string')) mustInspect = true
  }
  if (inspectAllTargets) await showReads(weighing, execution, candidates)
  if (!mustInspect) return
  await inspectTargets(weighing, execution, candidates)
  putIrreversibleLast(policy, candidates, others)
}

/** Inspects the target of every action that does more than read, and decides by the result. */
export async function inspectTargets(
  { bus, policy, workspaces, secrets, permits, holdOn, permanent = false }: Weighing,
  execution: ExecutionRow,
  candidates: readonly Candidate[],
): Promise<void> {
  const inspected = candidates.filter(
    ({ task, action }) =>
      // What a decision is about is in its input, and no executor knows it.
      task.capability !== 'human' && (task.level > 0 || effectOf(policy, action.kind, action.input) !== 'read'),
  )
  if (inspected.length === 0) return
  const hold = await holdOn(execution.tenant, targetsOf(inspected))
  if (hold) throw held(hold)
  const inspections = await inspectAll(bus, execution, inspected)
  for (const [index, { task, action }] of inspected.entries()) {
    const found = inspections[index]
    const environment = found && 'inspection' in found ? found.inspection.environment : undefined
    if (environment === undefined || !needsPermit(policy, action.kind, environment)) continue
    const releases = releasesOf(action)
    if (isDecidedBefore({ environment, releases }, task, candidates)) continue
    if (await permits(execution.tenant, environment, releases)) continue
    const what = releases === undefined ? action.kind : `${action.kind} of ${releases[0]}`
    throw new DeedError(
      'precondition_failed',
      `${what} in ${environment} needs a decision of the organization: approve_deployment of the cto makes one for a release`,
    )
  }
  const before = footprint()
  inspected.forEach((candidate, index) => {
    const found = inspections[index]
    if (!found) throw new DeedError('internal', 'the executor inspected fewer actions than requested')
    if ('error' in found) throw DeedError.from(found.error)
    const touched = touchedBy(policy, workspaces, candidate.action)
    const effect = effectFound(policy, candidate.action, found.inspection)
    const creates = effect === 'create'
    // A precondition that an earlier action of the plan may change must not be fixed.
    applyInspection(
      policy,
      candidate,
      { ...found.inspection, effect },
      { steady: before.meetsWhatIs(touched, creates), permanent, secrets: secretsElsewhere(secrets, candidate.action) },
    )
    if (!candidate.action.observe_only) before.add(touched, creates)
  })
}

const targetsOf = (candidates: readonly Candidate[]): string[] =>
  candidates.map(({ action }) => action.input.target).filter((target) => typeof target === 'string')

const held = (hold: Hold): DeedError => new DeedError('precondition_failed', heldText(hold))

/** `operations_head holds demo-api until 2026-11-01T10:00:00.000Z: a disk is being replaced`. */
export const heldText = ({ target, held_by, until, reason }: Hold): string =>
  `${held_by} holds ${target} until ${until}: ${reason}`.toWellFormed()

const needsPermit = ({ deployments }: Policy, kind: string, environment: string): boolean =>
  deployments.kinds.includes(kind) && deployments.environments.includes(environment)

/** How often a read-only action runs, for display. An action that cannot be inspected is refused when it runs. */
async function showReads(
  { bus, policy }: Weighing,
  execution: ExecutionRow,
  candidates: readonly Candidate[],
): Promise<void> {
  const reads = candidates.filter(
    ({ task, action }) => task.capability !== 'human' && effectOf(policy, action.kind, action.input) === 'read',
  )
  if (reads.length === 0) return
  const inspections = await inspectAll(bus, execution, reads)
  reads.forEach((candidate, index) => {
    const found = inspections[index]
    if (found && 'inspection' in found) candidate.inspection = { ...found.inspection, state_before: '' }
  })
}

/**
 * If nothing exists, a kind that creates or changes will create: the observation then counts as the effect that policy
 * expects without one.
 */
const effectFound = (policy: Policy, { kind }: Action, { effect, state_before: state }: Inspection): EffectClass =>
  effect === 'change' && policy.kinds[kind]?.creates === state ? 'create' : effect

type Inspections = z.output<typeof inspectAction.output>['inspections']

/** In the order of the candidates, in as many requests as necessary. */
async function inspectAll(bus: Bus, execution: ExecutionRow, inspected: readonly Candidate[]): Promise<Inspections> {
  const options = onBehalfOf(execution)
  const batches = Array.from({ length: Math.ceil(inspected.length / INSPECTED_MAX) }, (_, index) =>
    inspected.slice(index * INSPECTED_MAX, (index + 1) * INSPECTED_MAX),
  )
  const found = await inLanes(LANES, batches, async (batch) => {
    const actions = batch.map(({ action }) => ({ ...action, expect_before: undefined }))
    const reply = await bus.call(inspectAction, { execution_id: execution.execution_id, actions }, options)
    return reply.inspections
  })
  return found.flat()
}

function applyInspection(
  policy: Policy,
  candidate: Candidate,
  inspection: Inspection,
  { steady, permanent, secrets }: { steady: boolean; permanent: boolean; secrets: readonly string[] },
): void {
  const { task, action } = candidate
  const { state_before: state, sandbox, means, files } = inspection
  delete action.expect_before
  candidate.summary = inspection.summary
  const expected = steady || policy.kinds[action.kind]?.sealed
  // A diff against another state than the actual one is meaningless.
  const { diff: _diff, ...lasting } = inspection
  candidate.inspection = expected ? inspection : { ...lasting, state_before: '' }
  if (sandbox !== undefined) action.expect_sandbox = sandbox
  if (Object.keys(means).length > 0) action.expect_resolved = means
  if (steady && !permanent && inspection.already_so && action.already_so !== 'run') {
    action.observe_only = true
    task.level = 0
    candidate.why = 'it already holds'
    return
  }
  // Something absent may exist by then, and be changed.
  const couldChange =
    (!steady || permanent) && inspection.effect === 'create' && policy.kinds[action.kind]?.effect !== 'create'
  candidate.effect = couldChange ? 'change' : inspection.effect
  const { level, why } = levelOf(policy, {
    kind: action.kind,
    effect: candidate.effect,
    reversibility: inspection.reversibility,
    environment: inspection.environment,
    sandbox,
    argv: argvOf(action.input),
    untrusted: action.untrusted_sources !== undefined,
    reading: action.reading?.by,
    secrets,
  })
  task.level = level
  candidate.why = permanent ? `${why}, now and whenever it does not hold` : why
  // Files that a command neither reads nor writes are not its precondition: only the named files of its workspace are.
  if (expected && files !== undefined) action.expect_files = files
  else if (expected && state !== '') action.expect_before = state
}

/** Whether its effect is permanent. */
export const isIrreversible = ({ inspection, action, effect }: Candidate): boolean =>
  inspection?.reversibility === 'irreversible' && effect !== 'read' && !action.observe_only

/**
 * If a step fails, earlier steps are undone; so an irreversible step goes after all that may fail, or needs its own
 * approval.
 *
 * @throws {DeedError} `irreversible_first` if policy refuses such a plan
 */
export function putIrreversibleLast(
  policy: Policy,
  candidates: readonly Candidate[],
  others: readonly TaskRow[] = [],
): void {
  const final = candidates.filter(isIrreversible)
  if (final.length === 0) return
  const tasks = new Map([...candidates.map(({ task }) => task), ...others].map((task) => [task.task_id, task]))
  const { risky, answer } = policy.irreversible_first
  for (const candidate of final) {
    const before = predecessors(candidate.task, tasks)
    const after = candidates.filter(
      (other) =>
        other !== candidate &&
        !before.has(other.task.task_id) &&
        !other.action.observe_only &&
        other.effect !== undefined &&
        risky.includes(other.effect),
    )
    const unknown = others.filter(({ task_id: id }) => !before.has(id))
    const count = after.length + unknown.length
    if (count === 0) continue
    const steps = count === 1 ? 'a step that may fail is' : `${count} steps that may fail are`
    const why = `cannot be undone, and ${steps} not done before it`
    if (answer === 'refuse') {
      const [first] = [...after.map(({ task }) => task), ...unknown]
      throw new DeedError(
        'irreversible_first',
        `"${candidate.summary}" ${why}: put it after "${first?.title}", or request it separately`,
      )
    }
    candidate.task.level = 3
    candidate.why = why
  }
}

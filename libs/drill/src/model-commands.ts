/** What people and faults do in a history, and which ends each execution may have after it. */

import { setTimeout as sleep } from 'node:timers/promises'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { DeedError } from '@deed/proto/errors'
import {
  type ExecutionDetail,
  type ExecutionReply,
  getExecution,
  requestExecution,
  SUBMIT_SUBJECT,
} from '@deed/proto/execution'
import type { ApprovalId } from '@deed/proto/ids'
import type { PersonDecision } from '@deed/proto/person'
import type { ExecutionStatus } from '@deed/proto/states'
import { cancelExecution, pauseExecution, resumeExecution, retryExecution } from '@deed/proto/steering'
import { type CountedEffect, commandEffect, fileEffect, requestEffect } from './harness/effects.ts'
import type { FaultMesh } from './harness/fault-mesh.ts'
import type { Random } from './harness/random.ts'
import { rollBack } from './harness/roll-back.ts'

export const PAUSE_MS_MAX = 400
export const CALL_MS = 3_000
const APPROVER = { principal: { tenant: 'local', user: 'approver' } }

export interface Entry {
  key: string
  request: { task: string; on_failure?: 'ask' }
  effect: CountedEffect
  /** How it can still end. */
  may: Set<string>
  /** Nobody has steered it: it ends as it would by itself. */
  untouched: boolean
  /** A cancel may have left what was done as it is. */
  kept: boolean
  /** Somebody may have agreed to it; undefined: nobody has to. */
  agreed: boolean | undefined
  /** Its effect cannot be taken back. */
  irreversible: boolean
  id: string | undefined
}

export interface Model {
  readonly mesh: FaultMesh
  readonly random: Random
  readonly stem: string
  readonly entries: Entry[]
  readonly steps: string[]
  readonly wrong: string[]
}

type Kind = (mesh: FaultMesh, name: string) => Pick<Entry, 'effect'> & Partial<Entry> & { ends: ExecutionStatus[] }

const claim = (name: string): string => `run \`sh claim.sh ${name}\` and expect the file ${name}.never`

const KINDS: readonly Kind[] = [
  (mesh, name) => ({ effect: fileEffect(mesh, name), ends: ['done'] }),
  (mesh, name) => ({ effect: commandEffect(mesh, name, 0.5), ends: ['done'] }),
  (mesh, name) => ({ effect: requestEffect(mesh, name), ends: ['done'], irreversible: true }),
  (mesh, name) => ({
    effect: requestEffect(mesh, name),
    request: { task: `tell the guarded witness "${name}"` },
    ends: [],
    irreversible: true,
    agreed: false,
  }),
  (mesh, name) => {
    const effect = fileEffect(mesh, name)
    return { effect, request: { task: `${effect.task}, then ${claim(name)}` }, ends: ['rolled_back', 'failed'] }
  },
  (mesh, name) => {
    const effect = fileEffect(mesh, name)
    return { effect, request: { task: `${effect.task}, then ${claim(name)}`, on_failure: 'ask' }, ends: [] }
  },
]

/** @returns what was done, in words */
type Command = (model: Model) => Promise<string>

export const submit: Command = async ({ mesh, random, entries, stem, wrong }) => {
  const name = `${stem}-${entries.length}`
  const { ends, ...made } = random.pick(KINDS)(mesh, name)
  const entry: Entry = {
    ...{ key: name, request: { task: made.effect.task }, untouched: true, kept: false, agreed: undefined },
    ...{ irreversible: false, id: undefined, may: new Set<string>(ends) },
    ...made,
  }
  entries.push(entry)
  if (random.next() < 0.5) {
    const body = JSON.stringify(bodyOf(entry))
    const sent = await mesh.client.nc
      .jetstream()
      .publish(SUBMIT_SUBJECT, body)
      .then(() => true)
      .catch(() => false)
    // No acknowledgement, no promise: it is asked for again at the end.
    return `submit ${name} (${entry.request.task}): ${sent ? 'acknowledged' : 'not acknowledged'}`
  }
  return `ask for ${name} (${entry.request.task}): ${await repeat(mesh, entry, wrong)}`
}

const bodyOf = ({ request, key }: Entry) => ({ ...request, idempotency_key: key, mode: 'background' as const })

const sameKey: Command = async (model) => {
  const entry = model.random.pick(model.entries)
  return `ask for ${entry.key} again: ${await repeat(model.mesh, entry, model.wrong)}`
}

/** One key is one execution, however often it is requested. */
export async function repeat({ client }: FaultMesh, entry: Entry, wrong: string[]): Promise<string> {
  return outcome(wrong, [], async () => {
    const { execution_id: id, status } = await client.call(requestExecution, bodyOf(entry), { timeoutMs: CALL_MS })
    if (entry.id !== undefined && entry.id !== id) wrong.push(`${entry.key} is ${entry.id}, and then ${id}`)
    entry.id = id
    return status
  })
}

const otherBody: Command = async ({ mesh, random, entries, wrong }) => {
  const { key, id } = random.pick(entries)
  if (id === undefined) return `nobody knows ${key} yet`
  return `ask for something else as ${key}: ${await outcome(wrong, ['idempotency_conflict'], async () => {
    await mesh.client.call(
      requestExecution,
      { task: 'write "other" to other.txt', idempotency_key: key, mode: 'background' },
      { timeoutMs: CALL_MS },
    )
    wrong.push(`${key} was taken for another request`)
    return 'taken'
  })}`
}

/** What a person does to an execution; each may be too early or too late, and is refused then. */
const steer =
  (
    verb: string,
    codes: readonly string[],
    ends: (entry: Entry) => ExecutionStatus[],
    act: (model: Model, entry: Entry, id: ExecutionReply['execution_id']) => Promise<string>,
  ): Command =>
  async (model) => {
    const { mesh, random, entries, wrong } = model
    const entry = random.pick(entries)
    const found = await find(mesh, entry)
    if (!found) return `${verb}: nobody knows ${entry.key} yet`
    return `${verb} ${entry.key}: ${await outcome(wrong, codes, async () => {
      // From before it is sent: whether its answer comes says nothing.
      entry.untouched = false
      for (const end of ends(entry)) entry.may.add(end)
      return act(model, entry, found.execution_id)
    })}`
  }

const undone = ({ irreversible }: Entry): ExecutionStatus[] => [
  'rolled_back',
  ...(irreversible ? ['rollback_failed' as const] : []),
]

const cancel = (undo: boolean): Command =>
  steer(
    `cancel${undo ? ' and undo' : ''}`,
    ['not_cancellable'],
    (entry) => ['cancelled', ...undone(entry)],
    async ({ mesh }, entry, execution_id) => {
      if (!undo) entry.kept = true
      return (await mesh.client.call(cancelExecution, { execution_id, undo }, { timeoutMs: CALL_MS })).status
    },
  )

const rollback = steer(
  'roll back',
  ['not_undoable', 'already_rolled_back', 'irreversible'],
  undone,
  async ({ mesh }, _, execution_id) => rollBack(mesh.client, execution_id, { timeoutMs: CALL_MS }),
)

const retry = steer(
  'retry',
  ['not_retryable'],
  ({ request, agreed }) =>
    request.task.includes('claim.sh') ? ['failed', 'rolled_back'] : agreed === false ? [] : ['done'],
  async ({ mesh }, _, execution_id) =>
    (await mesh.client.call(retryExecution, { execution_id }, { timeoutMs: CALL_MS })).status,
)

const pause = steer(
  'pause',
  ['not_pausable'],
  () => [],
  async ({ mesh }, _, execution_id) =>
    (await mesh.client.call(pauseExecution, { execution_id }, { timeoutMs: CALL_MS })).status,
)

const resume = steer(
  'resume',
  [],
  () => [],
  async ({ mesh }, _, execution_id) =>
    (await mesh.client.call(resumeExecution, { execution_id }, { timeoutMs: CALL_MS })).status,
)

export const DECIDED = [
  'approval_already_used',
  'approval_expired',
  'approval_mismatch',
  'not_found',
  'invalid_request',
]

/** Agrees or not, sometimes twice, and sometimes to another plan than there is. */
const decide: Command = async ({ mesh, random, entries, wrong }) => {
  const entry = random.pick(entries.filter(({ agreed }) => agreed !== undefined).concat(entries))
  const approval_id = (await find(mesh, entry))?.approval_id
  if (approval_id === undefined) return `nobody is asked about ${entry.key}`
  const how = random.pick(['approve', 'approve', 'deny', 'replay', 'mismatch'] as const)
  return `${how} ${entry.key}: ${await outcome(wrong, DECIDED, async () => {
    if (how === 'mismatch') {
      if (entry.agreed === undefined) return 'no agreement is asked for'
      await mesh.client.call(
        decideApproval,
        { approval_id, decision: 'approve', plan_hash: '0'.repeat(64) },
        { ...APPROVER, timeoutMs: CALL_MS },
      )
      wrong.push(`${entry.key} was agreed to under another plan`)
      return 'taken'
    }
    if (entry.agreed === undefined) return decideReview(mesh, random, entry, approval_id)
    const first = await agree(mesh, entry, approval_id, how === 'deny' ? 'deny' : 'approve')
    if (how === 'replay') {
      await agree(mesh, entry, approval_id, 'approve')
      wrong.push(`${entry.key} was agreed to twice`)
    }
    return first
  })}`
}

export async function agree(
  { client }: FaultMesh,
  entry: Entry,
  approval_id: ApprovalId,
  decision: 'approve' | 'deny',
): Promise<string> {
  entry.may.add(decision === 'deny' ? 'denied' : 'done')
  if (decision === 'approve') entry.agreed = true
  return (await client.call(decideApproval, { approval_id, decision }, { ...APPROVER, timeoutMs: CALL_MS })).status
}

/** What an execution that waits for a person's decision becomes by it; an undo that is asked about stays as it is. */
export async function decideReview(
  { client }: FaultMesh,
  random: Random,
  entry: Entry,
  approval_id: ApprovalId,
): Promise<string> {
  const { tasks } = await client.call(listApprovals, { approval_id }, { timeoutMs: CALL_MS })
  const [review] = tasks
  if (!review || review.cause === 'undo') return 'left as it is'
  const decision: PersonDecision = random.pick(['retry', 'skip', 'cancel', 'provide'])
  if (decision === 'cancel') for (const end of ['cancelled', 'rolled_back'] as const) entry.may.add(end)
  else if (decision !== 'retry') entry.may.add('done')
  const result = decision === 'provide' ? { result: { text: 'did it' } } : {}
  await client.call(decideApproval, { approval_id, decision, ...result }, { timeoutMs: CALL_MS })
  return decision
}

const kill =
  (name: 'executor' | 'orchestrator'): Command =>
  async ({ mesh: { mesh }, random }) => {
    await mesh.service(name).kill()
    await sleep(random.between(0, PAUSE_MS_MAX))
    await mesh.service(name).start()
    return `kill the ${name}`
  }

const killNats: Command = async ({ mesh: { mesh } }) => {
  await mesh.nats?.kill()
  await mesh.nats?.start()
  return 'kill nats'
}

/** As often as each is listed here. */
export const COMMANDS: readonly Command[] = [
  ...[submit, submit, submit, submit, submit, submit, sameKey, otherBody],
  ...[decide, decide, decide, cancel(false), cancel(true), rollback, rollback, retry, retry, pause, resume],
  ...[kill('executor'), kill('orchestrator'), killNats],
]

const AWAY = ['unavailable', 'deadline_exceeded', 'overloaded', 'rate_limited']

/** @returns the code of a refusal that is in order, where it was refused */
export async function outcome(wrong: string[], codes: readonly string[], act: () => Promise<string>): Promise<string> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    if (!codes.includes(error.code) && !AWAY.includes(error.code))
      wrong.push(`refused as ${error.code}: ${error.message}`)
    return error.code
  }
}

export async function find({ client }: FaultMesh, { key }: Entry): Promise<ExecutionDetail | undefined> {
  try {
    return await client.call(getExecution, { idempotency_key: key }, { timeoutMs: CALL_MS })
  } catch (error) {
    if (error instanceof DeedError) return undefined
    throw error
  }
}

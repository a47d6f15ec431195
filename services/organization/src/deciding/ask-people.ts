/**
 * Puts decisions to people, in the inbox of every approval: as an execution with one task for a person, requested by the role.
 * The key of that execution is the decision's, so a process that dies in between asks once.
 */
import type { Bus } from '@deed/mesh/bus'
import { jsonOf } from '@deed/mesh/read-payload'
import type { Decision } from '@deed/proto/decision'
import { DeedError } from '@deed/proto/errors'
import { type ExecutionDetail, executionEvent, getExecution, requestExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { ORGANIZATION_ROLES } from '@deed/proto/organization'
import { HUMAN_TASK } from '@deed/proto/person'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { z } from 'zod'
import { decisionsForPeople, type ForPerson, readDecision, writeQuestion } from '../store/decisions.ts'
import { answer, type Deciding } from './decide.ts'

const BATCH = 100
const HOUR_MS = 3_600_000
const DETAILS_CHARS_MAX = 16_000

export interface Questioner extends Deciding {
  readonly bus: Bus
  /** Runs another pass when the question of this execution has an answer. */
  hear(tenant: string, id: ExecutionId): void
}

/** The events of open questions, one subscription for each; its end closes it. */
export function hearAnswers({ nc }: Pick<Bus, 'nc'>, answered: () => void): Disposable & Pick<Questioner, 'hear'> {
  const heard = new Map<ExecutionId, ReturnType<Bus['nc']['subscribe']>>()
  return {
    hear(tenant, id) {
      if (heard.has(id)) return
      const subscription = nc.subscribe(executionEvent.subject.replace('*.*', `${tenant}.${id}`), {
        callback(error, msg) {
          const { data } = executionEvent.payload.safeParse(error === null ? jsonOf(msg) : undefined)
          if (data?.type !== 'execution.ended') return
          subscription.unsubscribe()
          heard.delete(id)
          answered()
        },
      })
      heard.set(id, subscription)
    },
    [Symbol.dispose]() {
      for (const subscription of heard.values()) subscription.unsubscribe()
    },
  }
}

/** One pass over what waits for a person: asks, or reads the answer. A failure of one does not keep the others. */
export async function askPeople(questioner: Questioner, signal: AbortSignal): Promise<void> {
  for (const one of await decisionsForPeople(questioner.store, BATCH)) {
    if (signal.aborted) return
    await askOne(questioner, one, signal).catch((error: unknown) => {
      // Nobody answers, so the next pass asks again.
      if (!(error instanceof DeedError) || error.retryable) throw error
      questioner.log.warn(
        { err: error, decisionId: one.decision_id },
        'a decision could not be put to a person; retrying',
      )
    })
  }
}

async function askOne(questioner: Questioner, one: ForPerson, signal: AbortSignal): Promise<void> {
  const { tenant, decision_id: id, proposed_by: user } = one
  const options = { principal: { tenant, user }, signal }
  if (one.execution_id !== null) {
    const detail = await questioner.bus.call(getExecution, { execution_id: one.execution_id }, options)
    if (FINAL_EXECUTION_STATUSES.has(detail.status as never)) await answer(questioner, tenant, id, answerIn(detail))
    else questioner.hear(tenant, one.execution_id)
    return
  }
  const decision = await readDecision(questioner.store, tenant, id)
  if (decision === undefined) throw new DeedError('not_found', 'the decision is gone')
  const { execution_id } = await questioner.bus.call(
    requestExecution,
    { manifest: question(decision, questioner.authority.person_hours), idempotency_key: keyOf(id), mode: 'background' },
    options,
  )
  await writeQuestion(questioner.store, one, execution_id)
  questioner.hear(tenant, execution_id)
}

export const keyOf = (decisionId: string): string => `decision:${decisionId}`

function question(decision: Decision, hours: number) {
  const { decision_id, type, subject, rationale, proposed_by: by, rule, why, facts, votes } = decision
  const amount = subject.amount === undefined ? '' : ` for ${subject.amount} dollars`
  const details = [
    `Proposed by ${by}, in the words of a program: ${rationale}`,
    `Rule: ${why ?? rule}`,
    ...(subject.text === undefined ? [] : [`Text: ${subject.text}`]),
    ...facts.map(({ name, value, source }) => `${name} = ${value} (${source})`),
    ...votes.map((one) => `${one.role}: ${one.vote}, confidence ${one.confidence}: ${one.rationale}`),
    `Decision ${decision_id}`,
  ].join('\n')
  return {
    name: `decision-${decision_id}`,
    tasks: [
      {
        id: 'decide',
        action: {
          kind: HUMAN_TASK,
          input: {
            ask: `Approve ${type} ${JSON.stringify(subject.name)}${amount}? Provide approves it, deny rejects it.`,
            details: details.slice(0, DETAILS_CHARS_MAX).toWellFormed(),
            expires_in_ms: Math.max(1_000, Math.round(hours * HOUR_MS)),
          },
        },
      },
    ],
  }
}

/** Only what a person decided counts: neither a role nor the end of the time approves. */
function answerIn({ status, timeline, error }: ExecutionDetail): { approved: boolean; by: string; why: string } {
  const { by = 'nobody', reason } = Person.parse(timeline.find(({ type }) => type === 'person.decided')?.data ?? {})
  const isRole = (ORGANIZATION_ROLES as readonly string[]).includes(by)
  if (isRole) return { approved: false, by, why: 'a role cannot answer for a person' }
  if (status === 'done' && by !== 'nobody') return { approved: true, by, why: reason ?? 'a person approved it' }
  return { approved: false, by, why: (error?.message ?? `the question ended as ${status}`).slice(0, 4_096) }
}

const Person = z.object({ by: z.string().optional(), reason: z.string().nullish() })

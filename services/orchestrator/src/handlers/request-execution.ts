import type { ExecutionConfig } from '@deed/config/execution-config'
import { ANSWERED_LATER, type Bus, type Handler } from '@deed/mesh/bus'
import type { requestExecution as contract, ExecutionReply } from '@deed/proto/execution'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { replyOf } from '../answers/answer.ts'
import type { FollowUp } from '../answers/follow-up.ts'
import type { Waiters } from '../answers/waiters.ts'
import { type Accepting, acceptExecution } from '../intake/accept-execution.ts'
import type { RateLimit } from '../intake/rate-limit.ts'
import { dropManifest, type Taking, takeManifest } from '../intake/take-manifest.ts'
import { admitRequest } from '../intake/validate-request.ts'
import { showPlan } from '../planning/show-plan.ts'
import type { Waiter } from '../store/transitions.ts'

/** An answer exactly at the deadline would be too late. */
const MARGIN_MS = 50

export interface Dependencies extends Accepting, Taking {
  bus: Bus
  config: ExecutionConfig
  limits: RateLimit
  waiters: Waiters
  followUps: FollowUp
}

export function requestExecution(dependencies: Dependencies): Handler<typeof contract> {
  const { config, limits, clock, driver, waiters, followUps, log } = dependencies

  /** Answers with the current status, and removes the waiting caller. */
  const answerNow = async (waiter: Waiter): Promise<void> => {
    waiters.answer(waiter, replyOf(await driver.read(waiter.execution_id), clock.now()))
    await followUps.dismiss(waiter.waiter_id)
  }

  return async (asked, { principal, served, replyTo, deadline }) => {
    limits.admit(principal)
    const whole = await takeManifest(dependencies, principal, asked)
    const request = admitRequest(config, whole)
    const { trace } = served
    if (request.dry_run) {
      const shown = await showPlan(dependencies, { request, principal, trace, waiter: undefined })
      await dropManifest(dependencies, principal, asked)
      return shown
    }
    const background = request.mode === 'background'
    const remaining = deadline - performance.now() - MARGIN_MS
    const waiter =
      replyTo === undefined || background ? undefined : { replyTo, dueAt: clock.now() + Math.max(0, remaining) }
    const accepted = await acceptExecution(dependencies, {
      request,
      principal,
      trace,
      root: served.span?.open(),
      waiter,
    })
    served.span?.setExecution(accepted.id)
    // It ends with the execution.
    if (!accepted.existed && !accepted.answered) served.span?.leaveOpen()
    if (asked.manifest_ref !== undefined) await dropManifest(dependencies, principal, asked)
    const failed = (error: unknown): void => log.warn({ err: error, execution_id: accepted.id }, 'answer failed')
    if (accepted.answered) {
      accepted.planned.catch(failed)
      return accepted.answered
    }
    const inBackground = async (): Promise<ExecutionReply> => ({
      // What this very request made is known here: thousands at once need not read it back.
      ...replyOf(await (accepted.existed ? driver.read : driver.peek)(accepted.id), clock.now()),
      status: 'accepted',
    })
    if (background && replyTo !== undefined) return inBackground()
    const { waiter: waiting } = accepted
    if (!waiting) return ANSWERED_LATER
    if (accepted.existed) {
      // It may have ended before this caller was registered.
      const snapshot = await driver.read(accepted.id)
      const reply = replyOf(snapshot, clock.now())
      if (FINAL_EXECUTION_STATUSES.has(snapshot.execution.status) || reply.question) {
        await followUps.dismiss(waiting.waiter_id)
        return reply
      }
    }
    waiters.wait(waiting, deadline - MARGIN_MS, () => {
      answerNow(waiting).catch(failed)
    })
    void accepted.planned
      .then(async ({ background: late, asks }) => {
        if (asks) return answerNow(waiting)
        if (!late) return
        waiters.answer(waiting, await inBackground())
        await followUps.dismiss(waiting.waiter_id)
      })
      .catch(failed)
    return ANSWERED_LATER
  }
}

/**
 * The reconciler's core: applies an input to the rows, and decides the next steps towards the desired state. The result
 * depends only on the rows, the input, the time and the environment; nothing here waits, reads or writes.
 *
 * Failure, cancelling and rollback only change the desired state (`done`, `cancelled`, `undone`); the one `nextSteps`
 * below does the rest.
 */

import type { Draft } from '../execution/draft.ts'
import { chosen } from './chosen.ts'
import { decided, recall, refused } from './decided.ts'
import { decisionMade } from './decision-made.ts'
import { cancelled, rolledBack } from './ending.ts'
import { expireApprovals, expired } from './expired.ts'
import type { Input, Limits } from './input.ts'
import { nextSteps } from './next-steps.ts'
import { paused, resumed } from './pausing.ts'
import { answered, planFailed, planned, replanned } from './planned.ts'
import { reinspected } from './reinspected.ts'
import { reported } from './reported.ts'
import { resolved } from './resolved.ts'
import { retried } from './retried.ts'
import { undoRequested } from './undo-requested.ts'

/**
 * Applies the input, then decides the next steps.
 *
 * @throws {DeedError} if the input cannot be applied (`stale_token`, `unknown_task`, `approval_already_used`, ...); the
 *   draft is invalid then
 */
export function reconcile(draft: Draft, input: Input, limits: Limits): void {
  recall(draft)
  apply(draft, input, limits)
  expireApprovals(draft)
  nextSteps(draft, limits)
}

function apply(draft: Draft, input: Input, limits: Limits): void {
  switch (input.type) {
    case 'planned':
      return planned(draft, input)
    case 'answered':
      return answered(draft, input)
    case 'plan_failed':
      return planFailed(draft, input)
    case 'reported':
      return reported(draft, input, limits)
    case 'replanned':
      return replanned(draft, input)
    case 'reinspected':
      return reinspected(draft, input)
    case 'decided':
      return decided(draft, input, limits)
    case 'refused':
      return refused(draft, input)
    case 'resolved':
      return resolved(draft, input, limits)
    case 'chosen':
      return chosen(draft, input)
    case 'decision':
      return decisionMade(draft, input)
    case 'cancelled':
      return cancelled(draft, input)
    case 'rolled_back':
      return rolledBack(draft, input)
    case 'undo_asked':
      return undoRequested(draft, input)
    case 'paused':
      return paused(draft, input)
    case 'resumed':
      return resumed(draft, input)
    case 'retried':
      return retried(draft, input, limits)
    case 'tick':
      return expired(draft, limits)
  }
}

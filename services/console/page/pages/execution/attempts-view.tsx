/** The attempts at a task, and the decisions of people about it. */
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { duration } from '../../text/times.ts'
import type { Attempt } from './attempts.ts'

const SHOWN_MAX = 50

/** @param shown a reason that is above already */
export function AttemptsView({ attempts, shown }: { attempts: readonly Attempt[]; shown?: string | undefined }) {
  if (attempts.length === 0) return <p class="quiet">It has not been tried.</p>
  return (
    <>
      {attempts.length > SHOWN_MAX && (
        <p class="quiet">
          The last {SHOWN_MAX} of {attempts.length}; all are in the audit log.
        </p>
      )}
      <ol class="attempts">
        {attempts.slice(-SHOWN_MAX).map(({ kind, token, from, to, outcome, reason }) => (
          <li key={`${kind} ${from}`}>
            <span class="what">
              {kind === 'wait'
                ? 'asked a person'
                : kind === 'undo'
                  ? `undo, token ${token}`
                  : `attempt, token ${token}`}
            </span>
            <span class={isBad(outcome) ? 'text-bad' : ''}>{(outcome ?? 'under way').replaceAll('_', ' ')}</span>
            <span class="quiet">
              <Time at={from} />
              {to !== undefined && `, ${duration(Math.max(0, to - from))}`}
            </span>
            {reason !== undefined && reason !== shown && (
              <p class={isBad(outcome) ? 'text-bad' : 'quiet'}>
                <Line text={reason} max={600} />
              </p>
            )}
          </li>
        ))}
      </ol>
    </>
  )
}

const isBad = (outcome: string | undefined): boolean =>
  outcome !== undefined && ['failed', 'retried', 'blocked', 'lease_lost', 'deny', 'expired'].includes(outcome)

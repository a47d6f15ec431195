/** What a dry run found: the steps in their order, each with its level, its undo and what it would change. */

import type { PlanScreen, SealedStep } from '@deed/proto/approval'
import type { Output } from '../../app/contracts.ts'
import { DiffView } from '../../components/diff-view.tsx'
import { Sign } from '../../components/sign.tsx'
import { Line, Text } from '../../components/text.tsx'
import { counted, dollars, duration } from '../../text/times.ts'

interface Plan {
  readonly actions: readonly SealedStep[]
  readonly plan: PlanScreen
  readonly counts: {
    readonly change: number
    readonly read: number
    readonly already_so: number
    readonly open: number
  }
}

/** The plan of a reply; undefined if it would be answered without one. */
function planOf({ result }: Output<'execution.request'>): Plan | undefined {
  const data = result?.data as Partial<Plan> | undefined
  return data?.plan && data.actions && data.counts ? (data as Plan) : undefined
}

export function PlanView({ reply }: { reply: Output<'execution.request'> }) {
  const plan = planOf(reply)
  if (!plan) return <Text text={reply.result?.text ?? 'Nothing would be done.'} />
  const { steps, point_of_no_return: last, estimate } = plan.plan
  const numberOf = (name: string): number => steps.findIndex((step) => step.name === name) + 1
  const { change, read, already_so: already, open } = plan.counts
  const facts = [
    counted(steps.length, 'step'),
    `${change} to change something`,
    ...(read > 0 ? [`${read} to read`] : []),
    ...(already > 0 ? [`${already} already so`] : []),
    ...(open > 0 ? [`${open} not known yet`] : []),
    ...(estimate ? [`about ${duration(estimate.time_ms)}`, `about ${dollars(estimate.cost_usd)}`] : []),
    ...(estimate?.models ? [`models at most ${dollars(estimate.models.cost_usd_max)}`] : []),
  ]
  return (
    <div class="plan">
      <p>
        {facts.join(' · ')} ·{' '}
        {last === null ? (
          <span class="text-good">
            <Sign of="✓" /> all of it can be undone
          </span>
        ) : (
          <strong class="text-bad">
            <Sign of="✕" /> no way back from step {numberOf(last)} on
          </strong>
        )}
      </p>
      <ol>
        {steps.map((step) => {
          const sealed = plan.actions.find(({ task_id: id }) => id === step.task_id)
          const after = step.after.map(numberOf).filter((number) => number > 0)
          return (
            <li key={step.task_id}>
              <strong>
                <Line text={sealed?.summary || step.title} max={400} />
              </strong>
              <p class="quiet">
                level {step.level}
                {sealed && step.level > 0 && (
                  <>
                    {' '}
                    (<Line text={sealed.why} />)
                  </>
                )}
                {after.length > 0 && ` · after ${after.join(', ')}`}
                {step.agreement === 'own' && ' · asked for by itself'}
                {step.agreement === 'grant' && ' · pre-approved'}
                {sealed?.effect && ` · ${sealed.effect}`}
                {step.reversibility === 'irreversible' && (
                  <strong class="text-bad">
                    {' '}
                    · <Sign of="✕" /> cannot be undone
                  </strong>
                )}
              </p>
              {sealed?.state_before && (
                <p class="quiet">
                  now: <Line text={sealed.state_before} />
                </p>
              )}
              {sealed?.hidden.map(({ path, shown }) => (
                <p key={path} class="text-bad">
                  <Sign of="✕" /> hidden text in {path}: <Line text={shown} />
                </p>
              ))}
              {sealed?.diff && <DiffView text={sealed.diff} title="What changes" />}
              {sealed && (
                <details>
                  <summary>arguments</summary>
                  <Text text={JSON.stringify(sealed.action, null, 2)} />
                </details>
              )}
            </li>
          )
        })}
      </ol>
    </div>
  )
}

/** The plan screen: exactly what would run, and the decision about it. */
import { useState } from 'preact/hooks'
import { useKeys } from '../../app/keys.ts'
import { place } from '../../app/router.ts'
import { Facts } from '../../components/facts.tsx'
import { setQuery } from '../../components/filters.tsx'
import { Id } from '../../components/id.tsx'
import { Level } from '../../components/level.tsx'
import { Sign } from '../../components/sign.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { counted, dollars, duration } from '../../text/times.ts'
import { DecidePanel } from './decide-panel.tsx'
import type { Approval } from './items.ts'
import { type Difference, planDifference } from './plan-text.ts'
import { StepView } from './step-view.tsx'

const LEVELS: Readonly<Record<number, string>> = {
  1: 'confirm',
  2: 'review the whole plan',
  3: 'this step by itself',
}

export function ApprovalView({
  approval,
  instead,
  next,
  onDecided,
}: {
  approval: Approval
  instead: Approval | undefined
  /** The next one in the inbox. */
  next: string | undefined
  onDecided: () => void
}) {
  // The plan that the person has on the screen: a decision is bound to its hash.
  const [read, setRead] = useState(approval)
  const changed = approval.plan_hash !== read.plan_hash
  const { actions } = approval
  const at = stepOf(place.value.query.step, actions.length)
  const [walked, setWalked] = useState<ReadonlySet<number>>(new Set())
  const walk = (to: number | undefined): void => {
    if (to === undefined || to < 1 || to > actions.length) return
    setWalked(new Set([...walked, ...(at === undefined ? [] : [at]), to]))
    setQuery({ step: `${to}` }, { replace: at !== undefined })
  }
  useKeys('Step by step', [
    { key: 'n', does: 'the next step, alone', run: () => walk((at ?? 0) + 1) },
    { key: 'p', does: 'the step before', run: () => walk(at === undefined ? undefined : at - 1) },
  ])
  const left = at === undefined ? 0 : actions.filter((_, index) => index + 1 !== at && !walked.has(index + 1)).length
  return (
    <div class="plan-screen">
      <div class="stack">
        {instead && (
          <Changed
            title="The plan changed, so that this approval holds no longer"
            differences={planDifference(approval.actions, instead.actions)}
          >
            <a class="button primary" href={`/inbox/${instead.approval_id}`}>
              Open the approval of the new plan
            </a>
          </Changed>
        )}
        {changed && (
          <Changed
            title="The plan changed since you opened it"
            differences={planDifference(read.actions, approval.actions)}
          >
            <button type="button" class="primary" onClick={() => setRead(approval)}>
              I have read the difference
            </button>
          </Changed>
        )}
        <Summary approval={approval} />
        {at === undefined ? (
          <>
            <Steps approval={approval} />
            {actions.length > 1 && (
              <p>
                <button type="button" onClick={() => walk(1)}>
                  Step by step <kbd>n</kbd>
                </button>
              </p>
            )}
          </>
        ) : (
          <OneStep approval={approval} at={at} onWalk={walk} />
        )}
      </div>
      <DecidePanel
        key={approval.approval_id}
        approval={approval}
        planHash={read.plan_hash}
        next={next}
        whyNot={
          changed
            ? 'The plan changed since you opened it: read the difference first.'
            : left > 0
              ? `Go through all steps first: ${left} left.`
              : undefined
        }
        onDecided={onDecided}
      />
    </div>
  )
}

/** The step of the address, from 1. */
function stepOf(text: string | undefined, count: number): number | undefined {
  const step = Number(text)
  return Number.isInteger(step) && step >= 1 && step <= count ? step : undefined
}

function Changed({
  title,
  differences,
  children,
}: {
  title: string
  differences: readonly Difference[]
  children: preact.ComponentChildren
}) {
  return (
    <section class="note wait" role="alert">
      <h2>! {title}</h2>
      {differences.length === 0 && <p>The steps that are shown are the same; what else it covers is not.</p>}
      <ul class="differences">
        {differences.map(({ step, name, before, after }, index) => (
          <li key={index}>
            <Line text={step} max={120} /> <span class="quiet">{name}</span>
            <del>{before === undefined ? 'not there' : <Line text={before} max={400} />}</del>
            <ins>{after === undefined ? 'not there' : <Line text={after} max={400} />}</ins>
          </li>
        ))}
      </ul>
      {children}
    </section>
  )
}

function Summary({ approval }: { approval: Approval }) {
  const {
    task,
    level,
    requested_by: by,
    execution_id: execution,
    expires_at: expires,
    asked_at: asked,
    plan,
  } = approval
  const { plan_hash: hash, policy_version: policy, grant_id: grant, status } = approval
  const last = plan?.point_of_no_return ?? null
  const lastNumber = plan ? plan.steps.findIndex(({ name }) => name === last) + 1 : 0
  return (
    <section class="panel">
      <Facts
        of={[
          ['Task', <Line key="task" text={task} max={2_000} />],
          [
            'Level',
            <>
              <Level level={level} /> {LEVELS[level]}
            </>,
          ],
          ['Asked by', <Line key="by" text={by} />],
          [
            'Asked',
            <>
              <Time at={asked} />
              {status === 'pending' && (
                <>
                  , expires <Time at={expires} />
                </>
              )}
            </>,
          ],
          ['Execution', <Id key="id" id={execution} href={`/executions/${execution}`} />],
          [
            'Way back',
            plan === null ? null : last === null ? (
              <span class="text-good">
                <Sign of="✓" /> all of it can be undone
              </span>
            ) : (
              <strong class="text-bad">
                <Sign of="✕" /> no way back from step {lastNumber > 0 ? lastNumber : <Line text={last} />} on
              </strong>
            ),
          ],
          [
            'Cost',
            plan?.estimate ? `about ${duration(plan.estimate.time_ms)}, ${dollars(plan.estimate.cost_usd)}` : null,
          ],
          [
            'Plan',
            <>
              <code class="hash">
                <mark>{hash.slice(0, 6)}</mark>
                {hash.slice(6)}
              </code>
              <span class="quiet">
                {' '}
                policy <Line text={policy} max={64} />
              </span>
            </>,
          ],
          ['Pre-approved', grant && <a href={`/grants?grant=${grant}`}>by a grant</a>],
        ]}
      />
    </section>
  )
}

function Steps({ approval }: { approval: Approval }) {
  const { actions, plan, omitted } = approval
  const steps = plan?.steps ?? []
  const numbers = new Map(steps.map(({ name }, index) => [name, index + 1]))
  const planned = new Set(steps.map(({ task_id: id }) => id))
  const rest = actions.filter(({ task_id: id }) => !planned.has(id))
  const behind = Math.max(omitted?.actions ?? 0, omitted?.steps ?? 0)
  return (
    <ol class="steps">
      {steps.map((step, index) => (
        <StepView
          key={step.task_id}
          number={index + 1}
          brief={step}
          after={step.after.flatMap((name) => numbers.get(name) ?? [])}
          last={step.name === plan?.point_of_no_return}
          sealed={actions.find(({ task_id: id }) => id === step.task_id)}
        />
      ))}
      {rest.map((sealed, index) => (
        <StepView key={`${sealed.task_id} ${index}`} number={steps.length + index + 1} sealed={sealed} />
      ))}
      {behind > 0 && (
        <li class="note wait">
          {counted(behind, 'step')} more belong to this plan, and its hash covers them.{' '}
          <button type="button" onClick={() => setQuery({ steps: 'all' }, { replace: true })}>
            Show all
          </button>
        </li>
      )}
    </ol>
  )
}

function OneStep({ approval, at, onWalk }: { approval: Approval; at: number; onWalk: (to: number) => void }) {
  const { actions, plan } = approval
  const sealed = actions[at - 1]
  const brief = plan?.steps.find(({ task_id: id }) => id === sealed?.task_id)
  return (
    <>
      <nav class="row walk" aria-label="steps">
        <button type="button" disabled={at === 1} onClick={() => onWalk(at - 1)}>
          <kbd>p</kbd> Before
        </button>
        <strong role="status">
          step {at} of {actions.length}
        </strong>
        <button type="button" disabled={at === actions.length} onClick={() => onWalk(at + 1)}>
          Next <kbd>n</kbd>
        </button>
        <button type="button" class="link" onClick={() => setQuery({ step: undefined }, { replace: true })}>
          all at once
        </button>
      </nav>
      <ol class="steps">
        {sealed && (
          <StepView number={at} brief={brief} sealed={sealed} last={brief?.name === plan?.point_of_no_return} />
        )}
      </ol>
    </>
  )
}

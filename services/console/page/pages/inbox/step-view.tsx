/** One step of a plan: arguments, differences, what it meets, what proves it, how it is undone. */
import { observationText } from '@deed/proto/observation-text'
import { DiffView } from '../../components/diff-view.tsx'
import { Facts } from '../../components/facts.tsx'
import { Level } from '../../components/level.tsx'
import { Sign } from '../../components/sign.tsx'
import { Line, Text } from '../../components/text.tsx'
import type { Approval } from './items.ts'
import { argumentsOf, readingOf, type Step } from './plan-text.ts'

type Brief = NonNullable<Approval['plan']>['steps'][number]

const UNDO: Readonly<Record<NonNullable<Step['reversibility']>, string>> = {
  reversible: 'what was there before is brought back',
  compensable: 'by another action, which makes up for it',
  irreversible: 'cannot be undone',
}

const AGREEMENT: Readonly<Record<Brief['agreement'], string | undefined>> = {
  none: 'needs no approval',
  plan: undefined,
  own: 'is asked for by itself, later',
  grant: 'is pre-approved',
}

export function StepView({
  number,
  brief,
  sealed,
  after = [],
  last = false,
}: {
  number: number
  brief?: Brief | undefined
  /** What this approval covers; absent: a step that it does not. */
  sealed?: Step | undefined
  /** The numbers of the steps that it waits for. */
  after?: readonly number[]
  /** From here on there is no way back. */
  last?: boolean
}) {
  const irreversible = (sealed?.reversibility ?? brief?.reversibility) === 'irreversible'
  return (
    <li class={sealed ? 'panel step' : 'step brief'} value={number}>
      <header>
        <h2>
          {number}. <Line text={sealed?.summary || sealed?.title || brief?.title || ''} max={600} />
        </h2>
        <Level level={sealed?.level ?? brief?.level ?? null} />
        {after.length > 0 && <span class="quiet">after {after.join(', ')}</span>}
        {brief && AGREEMENT[brief.agreement] && <span class="quiet">{AGREEMENT[brief.agreement]}</span>}
        {last && (
          <strong class="text-bad">
            <Sign of="✕" /> point of no return
          </strong>
        )}
        {irreversible && !last && (
          <strong class="text-bad">
            <Sign of="✕" /> cannot be undone
          </strong>
        )}
      </header>
      {sealed && <Sealed step={sealed} />}
    </li>
  )
}

function Sealed({ step }: { step: Step }) {
  const { action, why, effect, reversibility, environment, diff, observes, changed, hidden } = step
  const reading = readingOf(step)
  const undone = effect !== null && effect !== 'read' ? reversibility : null
  const fact = (text: string | null) => text && <Line text={text} max={1_000} />
  return (
    <>
      {reading && (
        <p class="note">
          asked for: <strong>{<Line text={reading.of} max={1_024} />}</strong>
          <br />
          understood as: <strong>{<Line text={reading.as} max={512} />}</strong> <span class="quiet">{reading.by}</span>
        </p>
      )}
      {hidden.length > 0 && (
        <div class="note bad" role="alert">
          <strong>
            <Sign of="✕" /> Some of its text is not what it looks like:
          </strong>
          <Facts
            of={hidden.map(({ path, shown }) => [path, <code key={path}>{<Line text={shown} max={2_000} />}</code>])}
          />
        </div>
      )}
      {changed.length > 0 && (
        <div class="note wait">
          <strong>! Changed since it was approved:</strong>
          <ul class="differences">
            {changed.map(({ path, before, after }) => (
              <li key={path}>
                <span class="quiet">{path}</span>
                <del>{<Line text={before} max={400} />}</del>
                <ins>{<Line text={after} max={400} />}</ins>
              </li>
            ))}
          </ul>
        </div>
      )}
      <Facts
        of={[
          ['Why this level', fact(why)],
          ['Effect', effect],
          ['Meets', action.expect_before === undefined ? fact(step.state_before) : null],
          ['Environment', fact(environment)],
          ['Sandbox', action.expect_sandbox === undefined ? fact(step.sandbox) : null],
          ['Proven by', observes && fact(observationText(observes))],
          ['Undo', undone && <span class={undone === 'irreversible' ? 'text-bad' : ''}>{UNDO[undone]}</span>],
        ]}
      />
      <h3>Arguments, as they would run</h3>
      <dl class="arguments">
        {argumentsOf(action).map(({ name, text }) => (
          <div key={name}>
            <dt>{<Line text={name} max={200} />}</dt>
            <dd>
              <Text text={text} />
            </dd>
          </div>
        ))}
      </dl>
      {diff !== null && <DiffView text={diff} title="What changes" open />}
    </>
  )
}

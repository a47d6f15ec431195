/** States that are kept: observed at intervals, and restored where they do not hold. */
import { useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { useKeys } from '../../app/keys.ts'
import { useResource } from '../../app/resource.ts'
import { oneOf, place, readQuery, urlOf, words } from '../../app/router.ts'
import { refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Confirm } from '../../components/dialog.tsx'
import { useDoing } from '../../components/doing.ts'
import { Facts } from '../../components/facts.tsx'
import { Filters, setQuery } from '../../components/filters.tsx'
import { FormDialog } from '../../components/form-dialog.tsx'
import { CommandLine, Id } from '../../components/id.tsx'
import { Split } from '../../components/split.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { toast } from '../../components/toast.tsx'
import { requiredSpanMs } from '../../text/spans.ts'
import { counted, duration } from '../../text/times.ts'

type Goal = Output<'goal.list'>['goals'][number]

const STATUSES = ['active', 'establishing', 'blocked', 'paused'] as const
const statusOf = ({ status, paused }: Goal): (typeof STATUSES)[number] => (paused ? 'paused' : status)

const COLUMNS: readonly Column<Goal>[] = [
  {
    name: 'status',
    title: 'Status',
    width: '132px',
    wideOnly: true,
    cell: (goal) => <Status status={statusOf(goal)} />,
  },
  {
    name: 'name',
    title: 'Goal',
    cell: ({ name, task, why }) => (
      <>
        <a href={urlOf('/goals', { ...place.value.query, name })}>{name}</a>{' '}
        <span class="quiet">
          · <Line text={why ?? task} max={160} />
        </span>
      </>
    ),
  },
  { name: 'seen', title: 'Observed', width: '108px', wideOnly: true, cell: (goal) => <Observed goal={goal} /> },
  {
    name: 'at',
    title: 'Checked',
    width: '96px',
    wideOnly: true,
    cell: ({ last_check_at: at }) => at !== null && <Time at={at} />,
  },
  { name: 'drifts', title: 'Drifts', width: '72px', numeric: true, wideOnly: true, cell: ({ drifts }) => drifts },
]

export default function Goals() {
  const { values, faults } = readQuery(place.value.query, {
    name: words(63),
    status: oneOf(STATUSES),
    form: oneOf(['new']),
  })
  const goals = useResource('goals', async (signal) => (await call('goal.list', {}, { signal })).goals, {
    on: ({ type }) => type.startsWith('execution.'),
    everyMs: 10_000,
  })
  useKeys('Goals', [{ key: 'c', does: 'keep a new state', run: () => setQuery({ form: 'new' }) }])
  const all = goals.value ?? []
  const shown = all.filter((goal) => values.status === undefined || statusOf(goal) === values.status)
  const chosen = all.find(({ name }) => name === values.name)
  return (
    <div class="page">
      <header>
        <h1>Goals</h1>
        <span class="space" />
        <Button kind="primary" reason={refusal('goal.put')} onClick={() => setQuery({ form: 'new' })}>
          New goal <kbd>c</kbd>
        </Button>
      </header>
      <Filters
        fields={[{ name: 'status', title: 'Status', options: STATUSES.map((value) => ({ value, title: value })) }]}
        faults={faults}
        shown={goals.value && `${shown.length} of ${all.length} shown`}
      />
      <Loaded from={goals} what="goals">
        {() =>
          all.length === 0 ? (
            <Empty title="No state is kept yet">
              <p>Say what is to stay so, as in: keep demo-api running. It is observed, and restored where it is not.</p>
              <CommandLine command={'goal put demo-up "keep demo-api running" --every 10s'} />
            </Empty>
          ) : (
            <Split
              by="name"
              title={chosen?.name ?? ''}
              detail={chosen && <GoalDetail key={chosen.goal_id} goal={chosen} onChange={goals.reload} />}
              list={
                <DataTable
                  label="goals"
                  columns={COLUMNS}
                  rows={shown}
                  keyOf={({ name }) => name}
                  titleOf={({ name }) => name}
                  hrefOf={({ name }) => urlOf('/goals', { ...place.value.query, name })}
                  second={(goal) => (
                    <>
                      <Status status={statusOf(goal)} /> <Observed goal={goal} />
                    </>
                  )}
                />
              }
            />
          )
        }
      </Loaded>
      {values.form && <NewGoal onDone={goals.reload} />}
    </div>
  )
}

function Observed({ goal: { last_outcome: outcome } }: { goal: Goal }) {
  return outcome === null ? <span class="quiet">not yet</span> : <Status status={outcome} />
}

function GoalDetail({ goal, onChange }: { goal: Goal; onChange: () => void }) {
  const { name, task, why, interval_ms: every, remedies, remedies_max: max, execution_id: execution, actions } = goal
  const [deleting, setDeleting] = useState(false)
  const { busy, run } = useDoing()
  const stands = goal.paused || goal.status === 'blocked'
  const turn = (): void => {
    const subject = stands ? 'goal.resume' : 'goal.pause'
    void run(
      () => call(subject, { name }),
      (answer) => `${name}: ${statusOf(answer)}`,
    ).then(onChange)
  }
  return (
    <>
      <div class="row">
        <Status status={statusOf(goal)} />
        <span class="space" />
        <Button reason={refusal(stands ? 'goal.resume' : 'goal.pause') ?? busy} onClick={turn}>
          {stands ? 'Resume' : 'Pause'}
        </Button>
        <Button kind="danger" reason={refusal('goal.delete') ?? busy} onClick={() => setDeleting(true)}>
          Delete…
        </Button>
      </div>
      {why !== null && (
        <p class="note wait">
          ! <Line text={why} max={1_000} />
        </p>
      )}
      <Facts
        of={[
          ['Task', <Line key="task" text={task} max={2_000} />],
          ['Observed', <Observed key="seen" goal={goal} />],
          ['Seen', goal.last_seen && <Line text={goal.last_seen} max={1_000} />],
          ['Checked', goal.last_check_at && <Time at={goal.last_check_at} />],
          ['Next', goal.next_check_at && <Time at={goal.next_check_at} />],
          ['Every', duration(every)],
          ['Checks', `${goal.checks}`],
          [
            'Drifts',
            goal.last_drift_at ? (
              <>
                {goal.drifts}, last {<Time at={goal.last_drift_at} />}
              </>
            ) : (
              `${goal.drifts}`
            ),
          ],
          ['Restored', `${remedies.length} of ${max} in the last hour`],
          ['Approved by', goal.agreed_by && <Line text={goal.agreed_by} />],
          ['Requested by', <Line key="user" text={goal.user} />],
          ['Execution', execution && <Id id={execution} href={`/executions/${execution}`} />],
          ['Created', <Time key="created" at={goal.created_at} />],
        ]}
      />
      <h3>{counted(actions.length, 'action')}: what is observed, and done where it does not hold</h3>
      <ul>
        {actions.slice(0, 50).map(({ kind, input }, index) => (
          <li key={index}>
            <code>{kind}</code> <Line text={JSON.stringify(input)} max={200} />
          </li>
        ))}
        {actions.length > 50 && <li class="quiet">and {actions.length - 50} more</li>}
      </ul>
      {remedies.length > 0 && (
        <>
          <h3>Restored</h3>
          <ul>
            {remedies.map(({ execution_id: id, at }) => (
              <li key={id}>
                <Id id={id} href={`/executions/${id}`} /> <Time at={at} />
              </li>
            ))}
          </ul>
        </>
      )}
      <CommandLine command={`goal ${stands ? 'resume' : 'pause'} ${name}`} />
      {deleting && (
        <Confirm
          title={`Delete the goal ${name}`}
          verb="Delete"
          danger
          onConfirm={() => {
            setDeleting(false)
            void run(
              () => call('goal.delete', { name }),
              ({ deleted }) => (deleted ? `${name} is deleted` : `There was no goal ${name}`),
            ).then(() => {
              setQuery({ name: undefined })
              onChange()
            })
          }}
          onClose={() => setDeleting(false)}
        >
          <p>It is observed and restored no longer. What was done stays as it is.</p>
        </Confirm>
      )}
    </>
  )
}

function NewGoal({ onDone }: { onDone: () => void }) {
  return (
    <FormDialog
      title="New goal"
      about="It is done once, with an approval if policy requires it; that covers every later time. A goal of the same name is replaced."
      verb="Keep it so"
      reason={refusal('goal.put')}
      fields={[
        {
          name: 'name',
          title: 'Name',
          required: true,
          hint: 'lower-case letters, digits, ".", "_" and "-"',
          charsMax: 63,
        },
        { name: 'task', title: 'What is to stay so', required: true, long: true, hint: 'keep demo-api running' },
        { name: 'every', title: 'Observed every', value: '30s', required: true, hint: '10s, 5m, 1h' },
        { name: 'remedies', title: 'Restored at most, in an hour', value: '5', required: true },
        { name: 'workspace', title: 'Workspace' },
      ]}
      onSubmit={async ({ name = '', task = '', every = '', remedies = '', workspace = '' }) => {
        const goal = await call('goal.put', {
          name,
          task,
          interval_ms: requiredSpanMs(every, 'Observed every'),
          remedies_max: Number(remedies),
          ...(workspace === '' ? {} : { context: { workspace } }),
        })
        toast(`${goal.name}: ${statusOf(goal)}`)
        onDone()
      }}
      onClose={() => setQuery({ form: undefined })}
    />
  )
}

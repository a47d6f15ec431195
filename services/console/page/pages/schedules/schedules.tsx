/** What is done at its times, once each. */
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
import { setQuery } from '../../components/filters.tsx'
import { FormDialog } from '../../components/form-dialog.tsx'
import { CommandLine, Id } from '../../components/id.tsx'
import { Split } from '../../components/split.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { toast } from '../../components/toast.tsx'
import { duration } from '../../text/times.ts'
import { scheduleOf } from './schedule-input.ts'

type Schedule = Output<'schedule.list'>['schedules'][number]

const timesOf = ({ cron, timezone, every_ms: ms }: Schedule): string =>
  cron === null ? `every ${duration(ms ?? 0)}` : `${cron} (${timezone})`

const hrefOf = ({ name }: Schedule): string => urlOf('/schedules', { ...place.value.query, name })

const COLUMNS: readonly Column<Schedule>[] = [
  {
    name: 'name',
    title: 'Schedule',
    cell: (schedule) => (
      <>
        <a href={hrefOf(schedule)}>{schedule.name}</a>{' '}
        <span class="quiet">
          · <Line text={schedule.why ?? schedule.request.task ?? ''} max={160} />
        </span>
      </>
    ),
  },
  {
    name: 'times',
    title: 'Times',
    width: '190px',
    wideOnly: true,
    cell: (schedule) => <Line text={timesOf(schedule)} />,
  },
  { name: 'next', title: 'Next', width: '108px', wideOnly: true, cell: (schedule) => <Next schedule={schedule} /> },
  { name: 'fired', title: 'Fired', width: '72px', numeric: true, wideOnly: true, cell: ({ fired }) => fired },
  { name: 'skipped', title: 'Skipped', width: '80px', numeric: true, wideOnly: true, cell: ({ skipped }) => skipped },
]

function Next({ schedule: { paused, due } }: { schedule: Schedule }) {
  if (paused) return <Status status="paused" />
  return due[0] === undefined ? <span class="quiet">never</span> : <Time at={due[0]} />
}

export default function Schedules() {
  const { values } = readQuery(place.value.query, { name: words(63), form: oneOf(['new']) })
  const schedules = useResource(
    'schedules',
    async (signal) => (await call('schedule.list', {}, { signal })).schedules,
    { on: ({ type }) => type.startsWith('execution.'), everyMs: 10_000 },
  )
  useKeys('Schedules', [{ key: 'c', does: 'a new schedule', run: () => setQuery({ form: 'new' }) }])
  const all = schedules.value ?? []
  const chosen = all.find(({ name }) => name === values.name)
  return (
    <div class="page">
      <header>
        <h1>Schedules</h1>
        <span class="space" />
        <Button kind="primary" reason={refusal('schedule.put')} onClick={() => setQuery({ form: 'new' })}>
          New schedule <kbd>c</kbd>
        </Button>
      </header>
      <Loaded from={schedules} what="schedules">
        {() =>
          all.length === 0 ? (
            <Empty title="Nothing is done at certain times yet">
              <p>A schedule makes one execution at each of its times.</p>
              <CommandLine command={'schedule put count "How many assets do we have?" --every 1h'} />
            </Empty>
          ) : (
            <Split
              by="name"
              title={chosen?.name ?? ''}
              detail={
                chosen && <ScheduleDetail key={chosen.schedule_id} schedule={chosen} onChange={schedules.reload} />
              }
              list={
                <DataTable
                  label="schedules"
                  columns={COLUMNS}
                  rows={all}
                  keyOf={({ name }) => name}
                  titleOf={({ name }) => name}
                  hrefOf={hrefOf}
                  second={(schedule) => (
                    <>
                      <Next schedule={schedule} /> <Line text={timesOf(schedule)} max={40} />
                    </>
                  )}
                />
              }
            />
          )
        }
      </Loaded>
      {values.form && <NewSchedule onDone={schedules.reload} />}
    </div>
  )
}

function ScheduleDetail({ schedule, onChange }: { schedule: Schedule; onChange: () => void }) {
  const { name, request, paused, due, queued, execution_id: execution, why } = schedule
  const [deleting, setDeleting] = useState(false)
  const { busy, run } = useDoing()
  const turn = paused ? 'schedule.resume' : 'schedule.pause'
  return (
    <>
      <div class="row">
        <Next schedule={schedule} />
        <span class="space" />
        <Button
          reason={refusal(turn) ?? busy}
          onClick={() =>
            void run(
              () => call(turn, { name }),
              (answer) => `${name} is ${answer.paused ? 'paused' : 'on again'}`,
            ).then(onChange)
          }
        >
          {paused ? 'Resume' : 'Pause'}
        </Button>
        <Button kind="danger" reason={refusal('schedule.delete') ?? busy} onClick={() => setDeleting(true)}>
          Delete…
        </Button>
      </div>
      {why !== null && (
        <p class="note wait">
          ! The last time led to no execution: <Line text={why} max={1_000} />
        </p>
      )}
      <Facts
        of={[
          ['Task', request.task && <Line text={request.task} max={2_000} />],
          ['Manifest', request.manifest && `${request.manifest.name}, ${request.manifest.tasks} tasks`],
          ['Times', <Line key="times" text={timesOf(schedule)} />],
          [
            'Next',
            due.length > 0 && !paused && (
              <ul>
                {due.map((at) => (
                  <li key={at}>
                    <Time at={at} exact />
                  </li>
                ))}
              </ul>
            ),
          ],
          ['Waiting', queued.length > 0 ? `${queued.length} times wait for the execution before` : null],
          [
            'While one runs',
            { skip: 'skipped', queue: 'it waits', replace: 'the running one is cancelled' }[schedule.overlap],
          ],
          ['Missed times', { none: 'are not made up for', last: 'the last one is', all: 'all are' }[schedule.catch_up]],
          ['Fired', `${schedule.fired}, skipped ${schedule.skipped}`],
          ['Last time', schedule.last_due_at && <Time at={schedule.last_due_at} />],
          ['Execution', execution && <Id id={execution} href={`/executions/${execution}`} />],
          ['Requested by', <Line key="user" text={schedule.user} />],
          ['Created', <Time key="created" at={schedule.created_at} />],
        ]}
      />
      <CommandLine command={`schedule ${paused ? 'resume' : 'pause'} ${name}`} />
      {deleting && (
        <Confirm
          title={`Delete the schedule ${name}`}
          verb="Delete"
          danger
          onConfirm={() => {
            setDeleting(false)
            void run(
              () => call('schedule.delete', { name }),
              ({ deleted }) => (deleted ? `${name} is deleted` : `There was no schedule ${name}`),
            ).then(() => {
              setQuery({ name: undefined })
              onChange()
            })
          }}
          onClose={() => setDeleting(false)}
        >
          <p>It fires no more. Its executions, also one that runs now, stay and continue.</p>
        </Confirm>
      )}
    </>
  )
}

function NewSchedule({ onDone }: { onDone: () => void }) {
  return (
    <FormDialog
      title="New schedule"
      about="One execution at each time, with its approval if policy requires one. A schedule of the same name is replaced."
      verb="Schedule it"
      reason={refusal('schedule.put')}
      fields={[
        {
          name: 'name',
          title: 'Name',
          required: true,
          charsMax: 63,
          hint: 'lower-case letters, digits, ".", "_" and "-"',
        },
        { name: 'task', title: 'Task', required: true, long: true, hint: 'How many assets do we have?' },
        { name: 'times', title: 'When', required: true, hint: '30s, 1h, @daily, or cron: 30 2 * * *' },
        { name: 'timezone', title: 'Time zone of cron', value: 'UTC', required: true, hint: 'Europe/Berlin' },
        {
          name: 'overlap',
          title: 'While one runs',
          options: [
            { value: 'skip', title: 'skip the time' },
            { value: 'queue', title: 'let it wait' },
            { value: 'replace', title: 'cancel the running one' },
          ],
        },
        {
          name: 'catch_up',
          title: 'Missed times',
          value: 'last',
          options: [
            { value: 'last', title: 'make up for the last' },
            { value: 'none', title: 'leave them' },
            { value: 'all', title: 'make up for all' },
          ],
        },
      ]}
      onSubmit={async (values) => {
        const schedule = await call('schedule.put', scheduleOf(values))
        toast(`${schedule.name}: ${timesOf(schedule)}`)
        onDone()
      }}
      onClose={() => setQuery({ form: undefined })}
    />
  )
}

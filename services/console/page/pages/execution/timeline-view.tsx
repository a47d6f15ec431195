/** When each task was tried, and when a person was asked, on an axis that gives idle time little room. */
import type { TaskView } from '@deed/proto/task'
import { useMemo, useRef, useState } from 'preact/hooks'
import { place, readQuery, urlOf } from '../../app/router.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { setQuery } from '../../components/filters.tsx'
import { Empty } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { Clock, now } from '../../components/time.tsx'
import { duration } from '../../text/times.ts'
import type { Attempt } from './attempts.ts'
import { type Period, placeOf, type Segment, timeAt, timeAxis } from './time-axis.ts'
import { chosenRange, seconds, secondsText } from './timeline-range.ts'

interface TaskLine {
  readonly id: string
  readonly title: string
  readonly attempts: readonly Attempt[]
}

const share = (value: number): string => `${(value * 100).toFixed(3)}%`

export function TimelineView({
  tasks,
  attempts,
  start,
  end,
}: {
  tasks: readonly TaskView[]
  attempts: readonly Attempt[]
  /** In milliseconds since 1970. */
  start: number
  /** undefined: it has not ended. */
  end: number | undefined
}) {
  // An open end steps with the clock of the page.
  const whole = { from: start, to: Math.max(start + 1, end ?? now.value) }
  const { values } = readQuery(place.value.query, { from: seconds, to: seconds })
  const range = chosenRange(whole, values.from, values.to)
  const titles = useMemo(() => new Map<string, string>(tasks.map(({ task_id: id, title }) => [id, title])), [tasks])
  const axis = useMemo(() => {
    const busy = attempts.filter(({ kind }) => kind !== 'wait').map(({ from, to }) => ({ from, to: to ?? range.to }))
    return timeAxis(busy, range)
  }, [attempts, range.from, range.to])
  const lines = useMemo(() => {
    const inRange = attempts.filter(({ from, to = range.to }) => from <= range.to && to >= range.from)
    return [...Map.groupBy(inRange, ({ task_id: id }) => id)].map(
      ([id, own]): TaskLine => ({ id, title: titles.get(id) ?? id, attempts: own }),
    )
  }, [attempts, titles, range.from, range.to])
  const columns: readonly Column<TaskLine>[] = [
    {
      name: 'title',
      title: 'Task',
      width: '32%',
      cell: ({ id, title }) => (
        <a href={hrefOf(id)}>
          <Line text={title} max={120} />
        </a>
      ),
    },
    {
      name: 'bars',
      wideOnly: true,
      title: 'Attempts',
      cell: ({ attempts: own }) => <AttemptBars attempts={own} axis={axis} range={range} />,
    },
    {
      name: 'sum',
      title: 'In all',
      width: '88px',
      numeric: true,
      wideOnly: true,
      cell: ({ attempts: own }) =>
        duration(own.reduce((sum, { from, to = range.to }) => sum + Math.max(0, to - from), 0)),
    },
  ]
  if (attempts.length === 0) {
    return <Empty title="Nothing has been tried yet">The first attempt appears here by itself.</Empty>
  }
  return (
    <>
      <RangeFields whole={whole} range={range} />
      <Axis axis={axis} start={start} />
      <DataTable
        label="tasks in time"
        columns={columns}
        rows={lines}
        keyOf={({ id }) => id}
        titleOf={({ title }) => title}
        hrefOf={({ id }) => hrefOf(id)}
        second={({ attempts: own }) => <AttemptBars attempts={own} axis={axis} range={range} />}
      />
    </>
  )
}

const hrefOf = (id: string): string => urlOf(place.value.path, { task: id })

function AttemptBars({
  attempts,
  axis,
  range,
}: {
  attempts: readonly Attempt[]
  axis: readonly Segment[]
  range: Period
}) {
  const words = attempts
    .map(
      ({ kind, outcome }) =>
        `${kind === 'wait' ? 'asked a person' : kind}: ${(outcome ?? 'under way').replace('_', ' ')}`,
    )
    .join(', ')
  return (
    <div class="bars" role="img" aria-label={words} title={words}>
      {axis
        .filter(({ idle }) => idle)
        .map(({ from, x, width }) => (
          <span key={from} class="idle" style={{ left: share(x), width: share(width) }} />
        ))}
      {attempts.map(({ kind, from, to, outcome }) => {
        const x = placeOf(axis, Math.max(from, range.from))
        const width = placeOf(axis, Math.min(to ?? range.to, range.to)) - x
        return (
          <span
            key={`${kind} ${from}`}
            class={`bar ${kind} ${outcome ?? 'open'}`}
            style={{ left: share(x), width: share(width) }}
          />
        )
      })}
    </div>
  )
}

/** Drag over it to choose a range; the fields above do the same. */
function Axis({ axis, start }: { axis: readonly Segment[]; start: number }) {
  const box = useRef<HTMLDivElement>(null)
  const [drag, setDrag] = useState<{ from: number; to: number }>()
  const xOf = (event: PointerEvent): number => {
    const { left = 0, width = 1 } = box.current?.getBoundingClientRect() ?? {}
    return Math.max(0, Math.min(1, (event.clientX - left) / width))
  }
  const finish = (): void => {
    if (!drag) return
    setDrag(undefined)
    const [from = 0, to = 1] = [drag.from, drag.to].sort((a, b) => a - b)
    if (to - from < 0.01) return
    setQuery({ from: secondsText(start, timeAt(axis, from)), to: secondsText(start, timeAt(axis, to)) })
  }
  const first = axis[0]
  const last = axis.at(-1)
  const idle = axis.filter((segment) => segment.idle)
  return (
    <div class="axis-box">
      <div
        class="axis"
        ref={box}
        aria-hidden="true"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
          setDrag({ from: xOf(event), to: xOf(event) })
        }}
        onPointerMove={(event) => drag && setDrag({ ...drag, to: xOf(event) })}
        onPointerUp={finish}
        onPointerCancel={() => setDrag(undefined)}
      >
        {axis.map(({ from, to, idle: waits, x, width }) => (
          <span
            key={from}
            class={waits ? 'idle' : 'work'}
            style={{ left: share(x), width: share(width) }}
            title={`${waits ? 'nothing ran for' : 'work of'} ${duration(to - from)}`}
          />
        ))}
        {drag && (
          <span
            class="drag"
            style={{ left: share(Math.min(drag.from, drag.to)), width: share(Math.abs(drag.to - drag.from)) }}
          />
        )}
      </div>
      <p class="quiet axis-words">
        {first && <Clock at={first.from} />}
        <span>
          {idle.length > 0 &&
            `${duration(idle.reduce((sum, { from, to }) => sum + to - from, 0))} of waiting are drawn short`}
        </span>
        {last && <Clock at={last.to} />}
      </p>
    </div>
  )
}

function RangeFields({ whole, range }: { whole: Period; range: Period }) {
  const { query } = place.value
  const field = (name: 'from' | 'to', title: string, at: number) => (
    <label>
      <span>{title}</span>
      <input
        // What is typed stays while the end of what runs moves on.
        key={query[name] ?? ''}
        class="seconds"
        inputMode="decimal"
        defaultValue={query[name] ?? ''}
        placeholder={secondsText(whole.from, at)}
        onChange={({ currentTarget: { value } }) => {
          if (value === '' || seconds(value) !== undefined) setQuery({ [name]: value || undefined })
        }}
      />
    </label>
  )
  return (
    <div class="row range">
      {field('from', 'from, in seconds', range.from)}
      {field('to', 'to, in seconds', range.to)}
      <span class="quiet">
        {duration(range.to - range.from)} of {duration(whole.to - whole.from)}; drag over the axis to choose
      </span>
      {(query.from || query.to) && (
        <button type="button" class="link" onClick={() => setQuery({ from: undefined, to: undefined })}>
          show all
        </button>
      )}
    </div>
  )
}

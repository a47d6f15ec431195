/** All executions, newest first, as they happen. */
import { useMemo, useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import { useKeys } from '../../app/keys.ts'
import { useResource } from '../../app/resource.ts'
import { go, place } from '../../app/router.ts'
import { refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { type FilterField, Filters } from '../../components/filters.tsx'
import { Id } from '../../components/id.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { statusWords } from '../../text/status-words.ts'
import { count, duration } from '../../text/times.ts'
import { BULK_MAX, VERBS, type Verb } from './bulk.ts'
import { BulkDialog } from './bulk-dialog.tsx'
import type { ExecutionRows, Row } from './execution-rows.ts'
import { COUNTED, readFilter, STATUSES } from './filter.ts'
import { type ExecutionList, useExecutionRows } from './use-execution-rows.ts'

const FIELDS: readonly FilterField[] = [
  { name: 'text', title: 'Words', placeholder: 'of the task' },
  { name: 'status', title: 'Status', options: STATUSES.map((value) => ({ value, title: statusWords(value).word })) },
  { name: 'only', title: 'Truth', options: Object.entries(COUNTED).map(([value, title]) => ({ value, title })) },
  { name: 'user', title: 'Person' },
  { name: 'target', title: 'Target', placeholder: 'demo-api' },
  { name: 'error', title: 'Error' },
  {
    name: 'since',
    title: 'Since',
    options: [
      { value: '15m', title: '15 minutes ago' },
      { value: '1h', title: 'an hour ago' },
      { value: '24h', title: 'a day ago' },
      { value: '7d', title: '7 days ago' },
      { value: '30d', title: '30 days ago' },
    ],
  },
]
/** Set by links alone; each has its chip all the same. */
const LINKED: readonly FilterField[] = [
  { name: 'until', title: 'Until' },
  { name: 'method', title: 'Method' },
  { name: 'template', title: 'Template' },
]

const COLUMNS: readonly Column<Row>[] = [
  { name: 'status', title: 'Status', width: '168px', wideOnly: true, cell: statusOf },
  { name: 'task', title: 'Task', cell: taskOf },
  { name: 'user', title: 'Person', width: '96px', wideOnly: true, cell: ({ user }) => <Line text={user} max={64} /> },
  {
    name: 'created',
    title: 'Requested',
    width: '104px',
    wideOnly: true,
    cell: ({ created_at }) => <Time at={created_at} />,
  },
  {
    name: 'took',
    title: 'Took',
    width: '92px',
    wideOnly: true,
    numeric: true,
    cell: ({ time_ms: ms }) => (ms === null ? '' : duration(ms)),
  },
  { name: 'id', title: 'Id', width: '112px', wideOnly: true, cell: ({ execution_id: id }) => <Id id={id} /> },
]

function statusOf({ status, success, finished_at: at }: Row) {
  // Of one that an event said to be done, nobody has read yet whether it was verified.
  return <Status status={status} note={status === 'done' && at !== null && !success ? 'unverified' : undefined} />
}

function taskOf({ execution_id: id, task, error }: Row) {
  return (
    <>
      <a href={`/executions/${id}`}>
        <Line text={task} max={200} />
      </a>
      {error && (
        <span class="quiet" title={error.message.slice(0, 400)}>
          {' '}
          · <Line text={error.message} max={160} />
        </span>
      )}
    </>
  )
}

export default function Executions() {
  const { query } = place.value
  const key = JSON.stringify(query)
  const filter = useMemo(() => readFilter(query), [key])
  const filtered = Object.keys(query).length > 0
  const list = useExecutionRows(key, () => filter.at(Date.now()), !filtered)
  const stats = useResource('execution count', (signal) => call('execution.stats', {}, { signal }), {
    on: ({ type }) => type.startsWith('execution.'),
    pauseMs: 5_000,
    everyMs: 60_000,
  })
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [verb, setVerb] = useState<Verb>()
  useKeys('Executions', [
    { key: 'f', does: 'to the filters', run: () => document.querySelector<HTMLElement>('.filters input')?.focus() },
  ])
  const rows = list.value?.rows ?? []
  const chosen =
    selected.size === 0 ? [] : rows.filter(({ execution_id: id }) => selected.has(id)).map(({ execution_id: id }) => id)
  const whyNot =
    refusal('execution.steer') ??
    (chosen.length === 0
      ? 'Select executions first: the box of a row, or x.'
      : chosen.length > BULK_MAX
        ? `At most ${BULK_MAX} at once.`
        : undefined)
  return (
    <div class="page">
      <header>
        <h1>Executions</h1>
        <div
          class={chosen.length > 0 ? 'bulk executions-bulk' : 'bulk executions-bulk idle'}
          role="toolbar"
          aria-label="verbs for the selected executions"
        >
          {VERBS.map(({ verb: one, title, danger }) => (
            <Button key={one} reason={whyNot} kind={danger ? 'danger' : 'plain'} onClick={() => setVerb(one)}>
              {title}
            </Button>
          ))}
          <span class="quiet" role="status">
            {chosen.length > 0 && `${count(chosen.length)} selected`}
          </span>
        </div>
        <span class="space" />
        <a class="button primary" href="/new">
          New execution
        </a>
      </header>
      <Filters
        fields={[...FIELDS, ...LINKED.filter(({ name }) => query[name])]}
        faults={filter.faults}
        shown={shownText(list, stats.value?.total)}
      />
      <Loaded from={list} what="executions">
        {(value) => (
          <Table
            list={list}
            value={value}
            filtered={filtered}
            selected={selected}
            onSelect={setSelected}
            total={filtered ? undefined : stats.value?.total}
          />
        )}
      </Loaded>
      {verb && (
        <BulkDialog
          verb={verb}
          ids={chosen}
          taskOf={(id) => rows.find((row) => row.execution_id === id)?.task ?? ''}
          onClose={() => {
            setVerb(undefined)
            list.reload()
          }}
        />
      )}
    </div>
  )
}

function Table({
  list,
  value: { rows },
  filtered,
  selected,
  onSelect,
  total,
}: {
  list: ExecutionList
  value: ExecutionRows
  filtered: boolean
  selected: ReadonlySet<string>
  onSelect: (keys: ReadonlySet<string>) => void
  total: number | undefined
}) {
  if (rows.length === 0 && list.more) {
    return (
      <Empty title={list.reading ? 'Searching older executions…' : 'None among the newest executions'}>
        <button type="button" onClick={list.more}>
          Search further back
        </button>
      </Empty>
    )
  }
  if (rows.length === 0) {
    return filtered ? (
      <Empty title="No execution matches these filters">
        <button type="button" onClick={() => go(place.value.path)}>
          Show all executions
        </button>
      </Empty>
    ) : (
      <Empty title="Nothing was requested yet">
        <p>
          <a href="/new">Request something in plain words</a>, or at the command line: <code>deed run "…"</code>
        </p>
      </Empty>
    )
  }
  return (
    <DataTable
      label="executions"
      columns={COLUMNS}
      rows={rows}
      keyOf={({ execution_id: id }) => id}
      titleOf={({ task }) => task.slice(0, 80)}
      hrefOf={({ execution_id: id }) => `/executions/${id}`}
      second={(row) => (
        <>
          {statusOf(row)}
          <Time at={row.created_at} />
          <Line text={row.user} max={32} />
        </>
      )}
      total={total}
      onMore={list.more}
      selection={{ keys: selected, change: onSelect }}
    />
  )
}

/** "100 of 4,120 shown". */
function shownText({ value, more, reading }: ExecutionList, total: number | undefined): string | undefined {
  if (!value) return undefined
  const of = total === undefined ? '' : ` of ${count(Math.max(total, value.rows.length))}`
  return `${count(value.rows.length)}${of} shown${reading ? ', reading more…' : more ? ', more below' : ''}`
}

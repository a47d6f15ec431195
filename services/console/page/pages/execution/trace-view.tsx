/** The trace of the execution, from what the services have in memory: no collector is needed. */
import { useMemo } from 'preact/hooks'
import { send } from '../../app/call.ts'
import { useResource } from '../../app/resource.ts'
import { place } from '../../app/router.ts'
import { session } from '../../app/session.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { setQuery } from '../../components/filters.tsx'
import { CommandLine, Id } from '../../components/id.tsx'
import { Sign } from '../../components/sign.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { counted, duration } from '../../text/times.ts'
import { type ServedSpan, type SpanRow, spanRows } from './span-rows.ts'

/** The answer of `/api/trace/<execution>`. */
interface FoundTrace {
  readonly trace_id: string
  readonly spans: readonly ServedSpan[]
  /** Spans that are no longer in memory. */
  readonly omitted: number
}

const INDENT_MAX = 8

const COLUMNS: readonly Column<SpanRow>[] = [
  {
    name: 'name',
    title: 'What',
    width: '42%',
    cell: ({ span: { name, failed, message }, depth, lost }) => (
      <span
        class={failed ? 'span text-bad' : 'span'}
        style={{ paddingLeft: `${Math.min(depth, INDENT_MAX) * 14}px` }}
        title={message}
      >
        {failed && <Sign of="✕" />}
        {lost && '? '}
        <Line text={name} max={120} />
        {failed && message !== undefined && (
          <>
            {' '}
            <Line text={message} max={120} />
          </>
        )}
      </span>
    ),
  },
  {
    name: 'service',
    title: 'Service',
    width: '130px',
    wideOnly: true,
    cell: ({ span }) => <Line text={span.service} />,
  },
  { name: 'took', title: 'Took', width: '76px', numeric: true, cell: ({ span }) => duration(span.duration_ms) },
  {
    name: 'when',
    title: 'When',
    wideOnly: true,
    cell: ({ span: { failed }, x, width }) => (
      <div class="bars">
        <span
          class={failed ? 'bar failed' : 'bar'}
          style={{ left: `${(x * 100).toFixed(2)}%`, width: `${(width * 100).toFixed(2)}%` }}
        />
      </div>
    ),
  },
]

export function TraceView({ id, traceId, finishedAt }: { id: string; traceId: string; finishedAt: string | null }) {
  const trace = useResource(`trace ${id} ${finishedAt}`, async (signal) => {
    return (await send(`/api/trace/${id}`, { signal })) as FoundTrace
  })
  const jaeger = session.value?.jaeger_url
  return (
    <>
      <p class="row">
        <span>
          trace <Id id={traceId} whole />
        </span>
        {jaeger && (
          <a href={`${jaeger.replace(/\/+$/, '')}/trace/${traceId}`} target="_blank" rel="noreferrer">
            open in Jaeger
          </a>
        )}
        <CommandLine command={`trace ${id}`} />
      </p>
      <Loaded from={trace} what="the trace">
        {(found) => <Spans {...found} />}
      </Loaded>
    </>
  )
}

function Spans({ spans, omitted }: FoundTrace) {
  const statements = place.value.query.statements === 'true'
  const rows = useMemo(() => spanRows(spans, { statements }), [spans, statements])
  if (spans.length === 0) {
    return (
      <Empty title="No service has this trace in memory any longer">
        <p>A restart forgets traces. The timeline and the audit rows stay.</p>
      </Empty>
    )
  }
  const start = Math.min(...rows.map(({ span }) => span.start_ms))
  const end = Math.max(...rows.map(({ span }) => span.start_ms + span.duration_ms))
  const services = new Set(spans.map(({ service }) => service)).size
  return (
    <>
      <p class="row">
        <span>
          {duration(end - start)}, {counted(spans.length, 'span')}, {counted(services, 'service')}
          {omitted > 0 && `; ${counted(omitted, 'span')} are no longer in memory`}
        </span>
        <label class="check">
          <input
            type="checkbox"
            checked={statements}
            onChange={() => setQuery({ statements: statements ? undefined : 'true' })}
          />
          <span>with statements of databases</span>
        </label>
      </p>
      <DataTable
        label="spans"
        columns={COLUMNS}
        rows={rows}
        keyOf={({ span }) => span.span_id}
        titleOf={({ span }) => span.name}
        second={({ span }) => span.service}
      />
    </>
  )
}

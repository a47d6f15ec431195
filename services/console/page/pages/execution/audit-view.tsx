/** The rows of the audit log of this execution, and whether their chain is whole. */
import type { AuditRow } from '@deed/proto/execution'
import type { TaskView } from '@deed/proto/task'
import { useMemo, useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import { place, urlOf } from '../../app/router.ts'
import { refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Sign } from '../../components/sign.tsx'
import { Line, Text } from '../../components/text.tsx'
import { Clock } from '../../components/time.tsx'
import { counted, duration } from '../../text/times.ts'

const hrefOf = ({ seq }: AuditRow): string => urlOf(place.value.path, { ...place.value.query, row: String(seq) })

export function AuditView({
  id,
  rows,
  rowCount,
  tasks,
}: {
  id: string
  rows: readonly AuditRow[]
  rowCount: number
  tasks: readonly TaskView[]
}) {
  const titles = useMemo(() => new Map<string, string>(tasks.map(({ task_id, title }) => [task_id, title])), [tasks])
  // The rows grow in place: a table is given those that were there.
  const shown = useMemo(() => rows.slice(0, rowCount), [rows, rowCount])
  const start = shown[0] ? Date.parse(shown[0].at) : 0
  const { row } = place.value.query
  const chosen = row === undefined ? undefined : shown[Number(row) - 1]
  const columns: readonly Column<AuditRow>[] = [
    { name: 'seq', title: 'Row', width: '64px', numeric: true, wideOnly: true, cell: ({ seq }) => seq },
    {
      name: 'type',
      title: 'What',
      width: '220px',
      cell: (one) => <a href={hrefOf(one)}>{one.type}</a>,
    },
    { name: 'at', title: 'At', width: '84px', wideOnly: true, cell: ({ at }) => <Clock at={Date.parse(at)} /> },
    {
      name: 'after',
      title: 'After',
      width: '90px',
      numeric: true,
      wideOnly: true,
      cell: ({ at }) => `+${duration(Date.parse(at) - start)}`,
    },
    {
      name: 'data',
      title: 'Task and facts',
      wideOnly: true,
      cell: ({ task_id: task, data }) => (
        <>
          {task && <Line text={titles.get(task) ?? task} max={80} />}{' '}
          <span class="quiet">
            <Line text={factsOf(data)} max={160} />
          </span>
        </>
      ),
    },
  ]
  return (
    <>
      <Verify id={id} count={rowCount} />
      {chosen && (
        <section class="panel" aria-label={`row ${chosen.seq}`}>
          <header>
            <h2>
              Row {chosen.seq}: {chosen.type}
            </h2>
            <a href={urlOf(place.value.path, { ...place.value.query, row: undefined })}>close</a>
          </header>
          <Text text={JSON.stringify(chosen, null, 2)} max={2_000} />
        </section>
      )}
      <DataTable
        label="rows of the audit log"
        columns={columns}
        rows={shown}
        keyOf={({ seq }) => String(seq)}
        titleOf={({ seq, type }) => `row ${seq}, ${type}`}
        hrefOf={hrefOf}
        current={row}
        second={({ seq, at }) => `row ${seq}, +${duration(Date.parse(at) - start)}`}
      />
    </>
  )
}

/** Evidence is long, and beside its task. */
function factsOf({ name: _, evidence, ...facts }: AuditRow['data']): string {
  const words = Object.entries(facts).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return [...words, ...(evidence ? ['with evidence'] : [])].join(', ')
}

function Verify({ id, count }: { id: string; count: number }) {
  const [verdict, setVerdict] = useState<{ good: boolean; text: string }>()
  const [pending, setPending] = useState(false)
  const verify = async (): Promise<void> => {
    setPending(true)
    try {
      const { rows, broken, broken_anchor: anchor } = await call('audit.verify', { execution_id: id })
      const why = broken
        ? `row ${broken.seq}: ${broken.why}`
        : anchor
          ? `anchor ${anchor.number}: ${anchor.why}`
          : undefined
      setVerdict(
        why === undefined
          ? { good: true, text: `The chain of ${counted(rows, 'row')} is whole.` }
          : { good: false, text: `The chain is broken at ${why}` },
      )
    } catch (error) {
      setVerdict({ good: false, text: error instanceof Error ? error.message : String(error) })
    }
    setPending(false)
  }
  return (
    <p class="row" role="status">
      <span class="quiet">{counted(count, 'row')}</span>
      <Button reason={pending ? 'It is being verified.' : refusal('audit.verify')} onClick={() => void verify()}>
        Verify the chain
      </Button>
      {verdict && (
        <span class={verdict.good ? 'text-good' : 'text-bad'}>
          <Sign of={verdict.good ? '✓' : '✕'} /> <Line text={verdict.text} max={300} />
        </span>
      )}
    </p>
  )
}

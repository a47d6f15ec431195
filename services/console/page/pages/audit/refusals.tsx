/** What the console refused to people of this tenant, and where nobody was signed in. */
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { may } from '../../app/session.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { usePages } from '../../components/pages.ts'
import { Loaded } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { count } from '../../text/times.ts'

type Refusal = Output<'audit.list-refusals'>['refusals'][number]

const PAGE = 20
const EVERY_MS = 10_000

const COLUMNS: readonly Column<Refusal>[] = [
  { name: 'reason', title: 'Why', width: '120px', cell: ({ reason }) => <code>{reason}</code> },
  { name: 'what', title: 'What', cell: ({ subject, code }) => <code>{subject ?? code}</code> },
  {
    name: 'user',
    title: 'Person',
    width: '120px',
    wideOnly: true,
    cell: ({ user = '' }) => <Line text={user} max={64} />,
  },
  {
    name: 'from',
    title: 'From',
    width: '140px',
    wideOnly: true,
    cell: ({ address = '' }) => <Line text={address} max={64} />,
  },
  { name: 'count', title: 'Times', width: '72px', numeric: true, cell: (one) => count(one.count) },
  { name: 'at', title: 'Last', width: '104px', cell: ({ last_at: at }) => <Time at={at} /> },
]

export function RefusalsView() {
  const list = usePages<Refusal, number>(
    'refusals',
    async (before, signal) => {
      if (!may('audit.list-refusals')) return { rows: [], next: null }
      const input = { limit: PAGE, ...(before === null ? {} : { before }) }
      const { refusals, next_before: next } = await call('audit.list-refusals', input, { signal })
      return { rows: refusals, next }
    },
    { everyMs: EVERY_MS },
  )
  return (
    <section class="refusals" aria-label="what was refused">
      <h2>Refused at the console</h2>
      <Loaded from={list} what="what was refused">
        {({ rows }) =>
          rows.length === 0 ? (
            <p class="quiet">Nothing was refused.</p>
          ) : (
            <DataTable
              label="refusals"
              columns={COLUMNS}
              rows={rows}
              keyOf={(one) => `${one.number} ${one.reason} ${one.code} ${one.user} ${one.subject} ${one.address}`}
              titleOf={({ reason }) => reason}
              onMore={list.more}
            />
          )
        }
      </Loaded>
    </section>
  )
}

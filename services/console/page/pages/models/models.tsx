/** What models were asked, and what that cost; today beside the budget. */
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { useResource } from '../../app/resource.ts'
import { oneOf, place, readQuery, urlOf } from '../../app/router.ts'
import { Bars } from '../../components/charts.tsx'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Filters } from '../../components/filters.tsx'
import { CommandLine } from '../../components/id.tsx'
import { Sign } from '../../components/sign.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { count, counted, dollars, duration, exactSince, percent, shareOf } from '../../text/times.ts'
import { costByDay, perModel } from './costs.ts'

type Stats = Output<'model.stats'>
type Day = Stats['days'][number]

/** Besides 30. */
const DAYS = ['7', '90'] as const

const COLUMNS: readonly Column<Day>[] = [
  { name: 'day', title: 'Day (UTC)', width: '108px', wideOnly: true, cell: ({ day }) => day },
  { name: 'model', title: 'Model', cell: ({ model }) => <Line text={model} max={120} /> },
  { name: 'calls', title: 'Calls', width: '80px', numeric: true, wideOnly: true, cell: ({ calls }) => count(calls) },
  {
    name: 'solved',
    title: 'Solved',
    width: '80px',
    numeric: true,
    wideOnly: true,
    cell: ({ by_status: by, calls }) => percent(calls === 0 ? null : (by.solved ?? 0) / calls),
  },
  {
    name: 'tokens',
    title: 'Tokens',
    width: '104px',
    numeric: true,
    wideOnly: true,
    cell: ({ prompt_tokens: asked, answer_tokens: answered }) => count(asked + answered),
  },
  {
    name: 'time',
    title: 'p95',
    width: '88px',
    numeric: true,
    wideOnly: true,
    cell: ({ p95_ms: ms }) => (ms === null ? '-' : duration(ms)),
  },
  { name: 'cost', title: 'Cost', width: '96px', numeric: true, cell: ({ cost_usd: usd }) => dollars(usd) },
]

export default function Models() {
  const { values, faults } = readQuery(place.value.query, { days: oneOf(DAYS) })
  const days = Number(values.days ?? '30')
  const stats = useResource(
    `models ${days}`,
    async (signal) => {
      const since = exactSince(`${days}d`, Date.now())
      const [models, executions] = await Promise.all([
        call('model.stats', { days }, { signal }),
        call('execution.stats', { since }, { signal }),
      ])
      return { models, executions }
    },
    { on: ({ type }) => type === 'execution.ended', everyMs: 30_000 },
  )
  return (
    <div class="page">
      <header>
        <h1>Models and money</h1>
      </header>
      <Filters
        fields={[
          {
            name: 'days',
            title: 'Over',
            none: '30 days',
            options: DAYS.map((value) => ({ value, title: `${value} days` })),
          },
        ]}
        faults={faults}
        shown={`the last ${days} days`}
      />
      <Loaded from={stats} what="what models cost">
        {({ models, executions }) => (
          <>
            <div class="tiles">
              <Today today={models.today} />
              <ByMethod executions={executions} days={days} />
              <ByModel stats={models} />
            </div>
            {models.days.length === 0 ? (
              <Empty title={`No model was asked in the last ${days} days`}>
                <p>Rules understood everything, which is free, or no model is set up. The doctor says which:</p>
                <CommandLine command="doctor" />
              </Empty>
            ) : (
              <>
                <section class="panel">
                  <Bars
                    title="Cost a day"
                    points={costByDay(models.days, days, Date.now()).map(({ day, usd }) => ({
                      label: day,
                      value: usd,
                    }))}
                    format={dollars}
                    height={96}
                  />
                </section>
                <DataTable
                  label="calls by day and model"
                  columns={COLUMNS}
                  rows={models.days}
                  keyOf={({ day, model }) => `${day} ${model}`}
                  titleOf={({ day, model }) => `${model} on ${day}`}
                  second={({ day, calls, by_status: by }) => (
                    <>
                      <span>{day}</span> <span>{counted(calls, 'call')}</span>{' '}
                      <span>{percent(calls === 0 ? null : (by.solved ?? 0) / calls)} solved</span>
                    </>
                  )}
                />
              </>
            )}
          </>
        )}
      </Loaded>
    </div>
  )
}

function Today({ today: { day, spent_usd: spent, budget_usd: budget } }: { today: Stats['today'] }) {
  const share = shareOf(spent, budget)
  const over = share !== null && share >= 1
  return (
    <section class="panel">
      <h2>Today, {day} UTC</h2>
      <p class="spent-today">
        {dollars(spent)} <span class="quiet">{budget === null ? 'no budget is set' : `of ${dollars(budget)}`}</span>
      </p>
      {budget !== null && share !== null && (
        <>
          <meter
            min={0}
            max={1}
            high={0.8}
            optimum={0}
            value={Math.min(1, share)}
            aria-label={`${percent(share)} of the budget`}
          >
            {percent(share)}
          </meter>
          <p class={over ? 'text-bad' : 'quiet'}>
            {over && <Sign of="✕" />}{' '}
            {over ? 'The budget of today is used up: no model is asked until tomorrow.' : `${percent(share)} is used.`}
          </p>
        </>
      )}
      {budget === null && <p class="quiet">Set one in execution.yaml.</p>}
    </section>
  )
}

function ByMethod({ executions, days }: { executions: Output<'execution.stats'>; days: number }) {
  const methods = Object.entries(executions.by_method).sort(([, a], [, b]) => b - a)
  return (
    <section class="panel">
      <h2>By method</h2>
      <Figures
        empty="Nothing was executed."
        rows={methods.map(([method, found]) => ({
          name: method.replaceAll('_', ' '),
          href: urlOf('/executions', { method, since: `${days}d` }),
          count: found,
          usd: executions.cost_by_method[method] ?? 0,
        }))}
      />
    </section>
  )
}

function ByModel({ stats }: { stats: Stats }) {
  const unknown = stats.days.reduce((sum, day) => sum + day.cost_unknown, 0)
  return (
    <section class="panel">
      <h2>By model</h2>
      <Figures
        empty="No model was asked."
        rows={perModel(stats.days).map(({ model, calls, usd }) => ({
          name: model,
          href: undefined,
          count: calls,
          usd,
        }))}
      />
      {unknown > 0 && (
        <p class="text-wait">
          ! {counted(unknown, 'call')} did not say what they cost, and are charged at their maximum.
        </p>
      )}
    </section>
  )
}

function Figures({
  rows,
  empty,
}: {
  rows: readonly { name: string; href: string | undefined; count: number; usd: number }[]
  empty: string
}) {
  if (rows.length === 0) return <p class="quiet">{empty}</p>
  return (
    <table>
      <tbody>
        {rows.map((row) => (
          <tr key={row.name}>
            <th scope="row">{row.href ? <a href={row.href}>{row.name}</a> : <Line text={row.name} max={80} />}</th>
            <td class="numeric">{count(row.count)}</td>
            <td class="numeric">{dollars(row.usd)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

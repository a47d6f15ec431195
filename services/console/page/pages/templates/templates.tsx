/** Templates: how each did, and its text. */
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { useResource } from '../../app/resource.ts'
import { oneOf, place, readQuery, urlOf, words } from '../../app/router.ts'
import { Bars, Lines } from '../../components/charts.tsx'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Facts } from '../../components/facts.tsx'
import { Filters, setQuery } from '../../components/filters.tsx'
import { CommandLine } from '../../components/id.tsx'
import { Split } from '../../components/split.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Line, Text } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { count, dollars, duration, percent } from '../../text/times.ts'
import { byDay, type Day, trendOf, versionsOf } from './history.ts'

type Template = Output<'template.list'>['templates'][number]

const DAYS = ['7', '30', '90', '180'] as const

const hrefOf = ({ id }: Template): string => urlOf('/templates', { ...place.value.query, id })

const COLUMNS: readonly Column<Template>[] = [
  {
    name: 'id',
    title: 'Template',
    cell: (template) => (
      <>
        <a href={hrefOf(template)}>{template.id}</a>{' '}
        <span class="quiet">
          · <Line text={template.description} max={160} />
        </span>
      </>
    ),
  },
  { name: 'language', title: 'Language', width: '84px', wideOnly: true, cell: ({ language }) => language },
  {
    name: 'type',
    title: 'For',
    width: '92px',
    wideOnly: true,
    cell: ({ task_type: type }) => <Line text={type} max={64} />,
  },
  {
    name: 'uses',
    title: 'Uses',
    width: '60px',
    numeric: true,
    wideOnly: true,
    cell: ({ usage_count: uses }) => count(uses),
  },
  {
    name: 'success',
    title: 'Verified',
    width: '84px',
    numeric: true,
    wideOnly: true,
    cell: ({ success_rate: rate }) => percent(rate),
  },
  {
    name: 'used',
    title: 'Last used',
    width: '96px',
    wideOnly: true,
    cell: ({ last_used_at: at }) => (at === null ? <span class="quiet">never</span> : <Time at={at} />),
  },
]

export default function Templates() {
  const { values, faults } = readQuery(place.value.query, {
    id: words(128),
    language: words(32),
    text: words(128),
    days: oneOf(DAYS),
  })
  const templates = useResource(
    'templates',
    async (signal) => (await call('template.list', {}, { signal })).templates,
    { everyMs: 30_000 },
  )
  const all = templates.value ?? []
  const languages = [...new Set(all.map(({ language }) => language))].sort()
  const wanted = values.text?.toLowerCase()
  const shown = all.filter(
    ({ id, description, task_type: type, language }) =>
      (values.language === undefined || language === values.language) &&
      (wanted === undefined || `${id} ${description} ${type}`.toLowerCase().includes(wanted)),
  )
  const chosen = all.find(({ id }) => id === values.id)
  return (
    <div class="page">
      <header>
        <h1>Templates</h1>
      </header>
      <Filters
        fields={[
          { name: 'text', title: 'Words' },
          { name: 'language', title: 'Language', options: languages.map((value) => ({ value, title: value })) },
        ]}
        faults={faults}
        shown={templates.value && `${shown.length} of ${all.length} shown`}
      />
      <Loaded from={templates} what="templates">
        {() =>
          shown.length === 0 ? (
            <Empty title={all.length === 0 ? 'There are no templates' : 'No template has these words'}>
              <p>{all.length > 0 && <a href="/templates">Show all templates</a>}</p>
            </Empty>
          ) : (
            <Split
              by="id"
              title={chosen?.id ?? ''}
              detail={chosen && <TemplateDetail key={chosen.id} template={chosen} days={Number(values.days ?? '30')} />}
              list={
                <DataTable
                  label="templates"
                  columns={COLUMNS}
                  rows={shown}
                  keyOf={({ id }) => id}
                  titleOf={({ id }) => id}
                  hrefOf={hrefOf}
                  second={({ language, usage_count: uses, success_rate: rate }) => (
                    <>
                      <span>{language}</span> <span>{count(uses)} uses</span> <span>{percent(rate)} verified</span>
                    </>
                  )}
                />
              }
            />
          )
        }
      </Loaded>
    </div>
  )
}

function TemplateDetail({ template, days }: { template: Template; days: number }) {
  const { id, version } = template
  const history = useResource(
    `history ${id} ${days}`,
    async (signal) => (await call('template.history', { id, days }, { signal })).days,
  )
  const body = useResource(`template ${id} ${version}`, (signal) => call('template.get', { id, version }, { signal }))
  return (
    <>
      <Facts
        of={[
          ['For', <Line key="for" text={template.description} max={600} />],
          ['Version', `${version}`],
          ['Uses', count(template.usage_count)],
          ['Verified', percent(template.success_rate)],
        ]}
      />
      <label>
        <span>Trend over</span>
        <select
          value={`${days}`}
          onChange={(event) => setQuery({ days: event.currentTarget.value }, { replace: true })}
        >
          {DAYS.map((value) => (
            <option key={value} value={value}>
              {value} days
            </option>
          ))}
        </select>
      </label>
      <Loaded from={history} what="its history">
        {(rows) =>
          rows.length === 0 ? (
            <p class="quiet">It was not used in these days. Choose more of them.</p>
          ) : (
            <Trend rows={rows} days={days} />
          )
        }
      </Loaded>
      <Loaded from={body} what="its text">
        {({ body: text, variables, file }) => (
          <>
            <Facts
              of={[
                ['File', file && <Line text={file} />],
                ...Object.entries(variables).map(([name, value]): [string, preact.ComponentChildren] => [
                  name,
                  <Line key={name} text={value} />,
                ]),
              ]}
            />
            <Text text={text} max={2_000} />
          </>
        )}
      </Loaded>
      <CommandLine command={`get templates`} />
    </>
  )
}

function Trend({ rows, days }: { rows: readonly Day[]; days: number }) {
  const points = byDay(rows, days, Date.now())
  return (
    <>
      <p>{trendOf(rows)}</p>
      <Bars
        title="Uses a day"
        points={points.map(({ day, uses }) => ({ label: day, value: uses }))}
        format={count}
        height={80}
      />
      <Lines
        title="Verified, on days with a use"
        series={[
          {
            name: 'verified',
            points: points
              .filter(({ uses }) => uses > 0)
              .map(({ day, uses, successes }) => ({ label: day, value: successes / uses })),
          },
        ]}
        format={percent}
        height={80}
      />
      <Versions rows={rows} />
    </>
  )
}

function Versions({ rows }: { rows: readonly Day[] }) {
  return (
    <div class="scroll">
      <table aria-label="by version">
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col" class="numeric">
              Uses
            </th>
            <th scope="col" class="numeric">
              Verified
            </th>
            <th scope="col" class="numeric">
              Time
            </th>
            <th scope="col" class="numeric">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {versionsOf(rows).map((row) => (
            <tr key={row.version}>
              <th scope="row">{row.version}</th>
              <td class="numeric">{count(row.uses)}</td>
              <td class="numeric">{percent(row.successes / row.uses)}</td>
              <td class="numeric">{duration(row.averageMs)}</td>
              <td class="numeric">{dollars(row.costUsd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

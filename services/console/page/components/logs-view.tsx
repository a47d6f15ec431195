/** The newest lines of the logs, read again while they are on the page; with filters, in either order, and to copy. */
import type { LogsFound, ShownLogLine } from '@deed/proto/console'
import { send } from '../app/call.ts'
import { useResource } from '../app/resource.ts'
import { oneOf, place, readQuery, UUID, words } from '../app/router.ts'
import { count, exactTime } from '../text/times.ts'
import { Filters } from './filters.tsx'
import { CopyButton } from './id.tsx'
import { Empty, Loaded } from './states.tsx'
import { Line, Text } from './text.tsx'
import { Clock, zone } from './time.tsx'

const EVERY_MS = 3_000
const LEVELS = ['debug', 'info', 'warn', 'error'] as const
const ORDERS = ['oldest'] as const
const MEANINGS: Readonly<Record<string, string>> = { warn: 'wait', error: 'bad', fatal: 'bad' }

export const LOG_QUERY = { service: words(64), level: oneOf(LEVELS), text: words(200), order: oneOf(ORDERS) }

/** @param execution whose lines alone are shown */
export function LogsView({ execution, faults = [] }: { execution?: string; faults?: readonly string[] }) {
  const { values } = readQuery(place.value.query, LOG_QUERY)
  const asked = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...values, order: undefined, execution }))
    if (value !== undefined) asked.set(name, value)
  const logs = useResource(`logs ${asked}`, (signal) => send(`/api/logs?${asked}`, { signal }) as Promise<LogsFound>, {
    everyMs: EVERY_MS,
  })
  const found = logs.value
  return (
    <>
      <Filters
        fields={[
          { name: 'text', title: 'Words' },
          { name: 'level', title: 'Least level', options: LEVELS.map((value) => ({ value, title: value })) },
          {
            name: 'service',
            title: 'Service',
            options: (found?.services ?? []).map((value) => ({ value, title: value })),
          },
          {
            name: 'order',
            title: 'Order',
            none: 'newest first',
            options: [{ value: 'oldest', title: 'oldest first' }],
          },
        ]}
        faults={faults}
        shown={found?.here ? `the last ${count(found.lines.length)} such lines` : undefined}
      />
      <Loaded from={logs} what="the logs">
        {({ here, lines }) =>
          !here ? (
            <Empty title="The logs are not on the machine of the console">
              <p>
                Each service writes its lines to its standard output, where your cluster or your containers keep them:
              </p>
              <p>
                <code>kubectl logs -l app.kubernetes.io/part-of=deed --tail=100 --prefix</code>
              </p>
            </Empty>
          ) : lines.length === 0 ? (
            <Empty title="There are no such lines">
              <p>The last 4 MB of each log were searched. Remove a filter, or wait for what happens next.</p>
            </Empty>
          ) : (
            <Lines lines={values.order === 'oldest' ? lines : lines.toReversed()} of={execution} />
          )
        }
      </Loaded>
    </>
  )
}

function Lines({ lines, of }: { lines: readonly ShownLogLine[]; of: string | undefined }) {
  return (
    <>
      <p class="row">
        <CopyButton text={lines.map(lineText).join('\n')} label="copy these lines" /> <span>copy these lines</span>
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it */}
      <ol class="logs" aria-label="lines of the logs" tabIndex={0}>
        {lines.map((line, index) => (
          // Equal lines may follow each other.
          <li key={`${line.at} ${index}`} class={MEANINGS[line.level ?? ''] ?? ''}>
            <span class="log-head">
              {line.at === null ? <span class="quiet">text</span> : <Clock at={line.at} />} <b>{line.level}</b>{' '}
              <span class="quiet">{line.service}</span>
            </span>{' '}
            <Line text={line.message} max={2_000} />
            {line.facts
              .filter(([name, value]) => !(name === 'execution_id' && value === of))
              .map(([name, value]) => (
                <span key={name} class="log-fact">
                  {' '}
                  <span class="quiet">{name}=</span>
                  {name === 'execution_id' && UUID.test(value) ? (
                    <a href={`/executions/${value}`}>{value}</a>
                  ) : (
                    <Line text={value} max={500} />
                  )}
                </span>
              ))}
            {line.more !== null && (
              <details>
                <summary>where</summary>
                <Text text={line.more} />
              </details>
            )}
          </li>
        ))}
      </ol>
    </>
  )
}

const lineText = ({ at, level, service, message, facts, more }: ShownLogLine): string =>
  [
    ...[at === null ? '' : exactTime(at, zone()), level ?? '', service, message],
    ...facts.map(([name, value]) => `${name}=${JSON.stringify(value)}`),
    ...(more === null ? [] : [`\n${more}`]),
  ]
    .filter((part) => part !== '')
    .join(' ')

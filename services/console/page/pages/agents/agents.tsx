/** Workers with what they do now, and the services that answer. */
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { oneOf, place, readQuery, urlOf, words } from '../../app/router.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Facts } from '../../components/facts.tsx'
import { Filters } from '../../components/filters.tsx'
import { CommandLine, Id } from '../../components/id.tsx'
import { usePages } from '../../components/pages.ts'
import { Sign } from '../../components/sign.tsx'
import { Split } from '../../components/split.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { count, counted } from '../../text/times.ts'

type Worker = Output<'worker.list'>['workers'][number]
type Service = Output<'worker.list'>['services'][number]

const INTENTS = { do: 'does', undo: 'undoes', solve: 'solves' } as const

const hrefOf = ({ worker_id: worker }: Worker): string => urlOf('/agents', { ...place.value.query, worker })

const COLUMNS: readonly Column<Worker>[] = [
  { name: 'status', title: 'Status', width: '120px', wideOnly: true, cell: ({ status }) => <Status status={status} /> },
  {
    name: 'worker',
    title: 'Worker',
    cell: (worker) => (
      <>
        <a href={hrefOf(worker)}>
          <Line text={worker.worker_id} max={128} />
        </a>
        {worker.tasks[0] && (
          <span class="quiet">
            {' '}
            · {INTENTS[worker.tasks[0].intent]} <Line text={worker.tasks[0].title} max={120} />
          </span>
        )}
      </>
    ),
  },
  { name: 'for', title: 'For', width: '92px', wideOnly: true, cell: ({ capability }) => capability },
  {
    name: 'slots',
    title: 'Slots used',
    width: '96px',
    numeric: true,
    wideOnly: true,
    cell: ({ running, slots }) => `${count(running)} of ${count(slots)}`,
  },
  { name: 'seen', title: 'Last seen', width: '96px', wideOnly: true, cell: ({ last_seen: at }) => <Time at={at} /> },
]

export default function Agents() {
  const { values, faults } = readQuery(place.value.query, { worker: words(128), which: oneOf(['all']) })
  const gone = values.which === 'all' || values.worker !== undefined
  const list = usePages(
    `workers ${gone}`,
    async (cursor: string | null, signal) => {
      const page = await call('worker.list', { gone, limit: 500, ...(cursor === null ? {} : { cursor }) }, { signal })
      return { rows: page.workers, next: page.next_cursor, services: page.services }
    },
    { everyMs: 3_000 },
  )
  const rows = list.value?.rows ?? []
  const chosen = rows.find(({ worker_id: id }) => id === values.worker)
  return (
    <div class="page">
      <header>
        <h1>Agents</h1>
      </header>
      <Filters
        fields={[
          {
            name: 'which',
            title: 'Which',
            none: 'those that are alive',
            options: [{ value: 'all', title: 'also those that are gone' }],
          },
        ]}
        faults={faults}
        shown={list.value && `${counted(rows.length, 'worker')}${list.value.next === null ? '' : '+'} shown`}
      />
      <Loaded from={list} what="workers">
        {({ first }) => (
          <>
            <Services services={first.services} />
            {rows.length === 0 ? (
              <Empty title="No worker is alive">
                <p>Nothing is executed until one is. Start the executor and the agent, or see what the doctor says:</p>
                <CommandLine command="doctor" />
              </Empty>
            ) : (
              <Split
                by="worker"
                title={chosen?.worker_id ?? ''}
                detail={chosen && <WorkerDetail worker={chosen} />}
                list={
                  <DataTable
                    label="workers"
                    columns={COLUMNS}
                    rows={rows}
                    keyOf={({ worker_id: id }) => id}
                    titleOf={({ worker_id: id }) => id}
                    hrefOf={hrefOf}
                    second={({ status, running, slots }) => (
                      <>
                        <Status status={status} /> <span>{`${running} of ${slots} slots`}</span>
                      </>
                    )}
                    onMore={list.more}
                  />
                }
              />
            )}
          </>
        )}
      </Loaded>
    </div>
  )
}

function Services({ services }: { services: readonly Service[] }) {
  const names = [...new Set(services.map(({ service }) => service))].sort()
  const versions = new Set(services.map(({ version }) => version))
  return (
    <section class="panel">
      <header>
        <h2>Services that answer</h2>
        {versions.size > 1 && <span class="text-wait">! they are of several versions: {[...versions].join(', ')}</span>}
      </header>
      <ul class="row">
        {names.map((name) => {
          const instances = services.filter(({ service }) => service === name)
          return (
            <li
              key={name}
              class="chip"
              title={instances.map(({ instance, version }) => `${instance}, ${version}`).join('\n')}
            >
              {name}
              {instances.length > 1 && <strong> ×{instances.length}</strong>}&nbsp;
            </li>
          )
        })}
      </ul>
      {names.length === 0 && (
        <p class="text-bad">
          <Sign of="✕" /> None. The mesh is away, or NATS is.
        </p>
      )}
    </section>
  )
}

function WorkerDetail({ worker }: { worker: Worker }) {
  const { status, service, capability, running, slots, last_seen: seen, tasks } = worker
  return (
    <>
      <Facts
        of={[
          ['Status', <Status key="status" status={status} />],
          ['Service', service],
          ['For', capability],
          ['Slots', `${count(running)} of ${count(slots)} used, by all tenants`],
          ['Last seen', <Time key="seen" at={seen} exact />],
        ]}
      />
      <h3>{tasks.length === 0 ? 'It does nothing of this tenant now' : 'What it does now, the longest first'}</h3>
      <ul class="stack">
        {tasks.map(({ task_id: id, execution_id: execution, title, intent, since }) => (
          <li key={id}>
            {INTENTS[intent]}{' '}
            <a href={urlOf(`/executions/${execution}`, { task: id })}>
              <Line text={title} max={300} />
            </a>{' '}
            <span class="quiet">
              since <Time at={since} />
            </span>{' '}
            <Id id={id} />
          </li>
        ))}
      </ul>
    </>
  )
}

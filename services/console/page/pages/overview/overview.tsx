/** The first screen: is anything wrong, and does anybody wait for me? */

import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import type { ExecutionEvent } from '../../app/live.ts'
import { useResource } from '../../app/resource.ts'
import { urlOf } from '../../app/router.ts'
import { may } from '../../app/session.ts'
import { Bars, Lines } from '../../components/charts.tsx'
import { Sign } from '../../components/sign.tsx'
import { Loaded } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { Time, zone } from '../../components/time.tsx'
import { count, counted, dollars, duration, exactSince, percent } from '../../text/times.ts'
import { type Concern, concernsOf } from './attention.ts'
import { perMinute } from './series.ts'
import { Workers } from './workers.tsx'

const MINUTES = 60
const WINDOW = '24h'
const SHOWN_MAX = 6
const CHART_HEIGHT = 104

const ofExecutions = ({ type }: ExecutionEvent): boolean => type.startsWith('execution.')
const ofPeople = ({ type }: ExecutionEvent): boolean => /^(approval|person)\.|^execution\.(waiting|ended)$/.test(type)

/** Read if the role may, undefined if not. */
const statsSince = (window: string) => (signal: AbortSignal) =>
  call('execution.stats', { since: exactSince(window, Date.now()) }, { signal })

export default function Overview() {
  const { day, hour, inbox, alerts, workers, history, models } = useFigures()
  const parts = [hour, inbox, alerts, workers]
  const concerns = concernsOf({
    alerts: alerts.value,
    inbox: inbox.value,
    lately: hour.value,
    services: workers.value?.services,
  })
  const unread = parts.filter(({ error }) => error)
  return (
    <div class="page overview">
      <header>
        <h1>Overview</h1>
        <span class="space" />
        <a class="button primary" href="/new">
          New execution
        </a>
      </header>
      <Attention
        concerns={concerns}
        complete={parts.every(({ value, error, loading }) => value !== undefined || error || !loading)}
        faults={[...new Set(unread.map(({ error }) => error?.message ?? ''))]}
      />
      <Loaded from={day} what="figures">
        {(stats) => <Figures stats={stats} />}
      </Loaded>
      <Charts history={history} />
      <div class="overview-panels">
        {may('worker.list') && (
          <section class="panel" aria-labelledby="overview-workers">
            <header>
              <h2 id="overview-workers">Services and workers</h2>
              <a href="/agents">all agents</a>
            </header>
            <Loaded from={workers} what="workers">
              {(value) => value && <Workers {...value} />}
            </Loaded>
          </section>
        )}
        <section class="panel" aria-labelledby="overview-money">
          <header>
            <h2 id="overview-money">Money</h2>
            <a href="/models">models and money</a>
          </header>
          <Loaded from={models} what="what models cost">
            {(value) => <Money models={value} day={day.value} />}
          </Loaded>
        </section>
        <section class="panel" aria-labelledby="overview-now">
          <header>
            <h2 id="overview-now">Last {WINDOW}</h2>
            <a href={urlOf('/executions', { since: WINDOW })}>executions</a>
          </header>
          <Loaded from={day} what="executions">
            {(stats) => <ByStatus stats={stats} />}
          </Loaded>
        </section>
      </div>
    </div>
  )
}

/** All that the page reads; each part is there by itself, and again after what happens. */
function useFigures() {
  const day = useResource('stats of a day', statsSince(WINDOW), { on: ofExecutions, pauseMs: 2_000, everyMs: 60_000 })
  const hour = useResource('stats of an hour', statsSince('1h'), { on: ofExecutions, pauseMs: 2_000, everyMs: 60_000 })
  const inbox = useResource(
    'inbox of the overview',
    async (signal) =>
      may('approval.list') ? call('approval.list', { status: 'pending', limit: 100 }, { signal }) : undefined,
    { on: ofPeople, everyMs: 60_000 },
  )
  const alerts = useResource(
    'alerts',
    async (signal) => (may('alert.list') ? (await call('alert.list', {}, { signal })).alerts : undefined),
    { everyMs: 10_000 },
  )
  const workers = useResource(
    'workers',
    async (signal) => (may('worker.list') ? call('worker.list', {}, { signal }) : undefined),
    { everyMs: 5_000 },
  )
  const history = useResource(
    'history',
    (signal) => call('execution.history', { period: 'minute', points: MINUTES }, { signal }),
    { on: ofExecutions, pauseMs: 5_000, everyMs: 60_000 },
  )
  const models = useResource(
    'money of today',
    async (signal) => (may('model.stats') ? call('model.stats', { days: 1 }, { signal }) : undefined),
    { everyMs: 30_000 },
  )
  return { day, hour, inbox, alerts, workers, history, models }
}

/** Of the last hour, minute by minute. */
function Charts({ history }: { history: ReturnType<typeof useFigures>['history'] }) {
  return (
    <div class="overview-charts">
      <section class="panel" aria-label="executions and durations">
        <Loaded from={history} what="the last hour">
          {(value) => (
            <Bars
              title="Executions per minute"
              points={perMinute(value, MINUTES, ({ total }) => total, 0, zone())}
              format={count}
              height={CHART_HEIGHT}
            />
          )}
        </Loaded>
      </section>
      <section class="panel" aria-label="durations">
        <Loaded from={history} what="durations">
          {(value) => (
            <Lines
              title="Duration"
              series={[
                { name: '95 of 100 below', points: perMinute(value, MINUTES, ({ p95_ms: ms }) => ms, null, zone()) },
                { name: 'average', points: perMinute(value, MINUTES, ({ average_ms: ms }) => ms, null, zone()) },
              ]}
              format={duration}
              height={CHART_HEIGHT}
            />
          )}
        </Loaded>
      </section>
    </div>
  )
}

function Attention({
  concerns,
  complete,
  faults,
}: {
  concerns: readonly Concern[]
  complete: boolean
  faults: readonly string[]
}) {
  const shown = concerns.slice(0, SHOWN_MAX)
  const calm = complete && concerns.length === 0 && faults.length === 0
  return (
    <section class="attention" aria-label="what is wrong, and who waits" aria-live="polite">
      {calm && (
        <p class="note good">
          <strong class="text-good">
            <Sign of="✓" /> Nothing is wrong, and nobody waits for you.
          </strong>
        </p>
      )}
      {!complete && concerns.length === 0 && <p class="note">Reading what is wrong and who waits…</p>}
      {faults.length > 0 && (
        <p class="note bad">
          <strong class="text-bad">
            <Sign of="✕" /> Not all could be read:
          </strong>{' '}
          <Line text={faults.join(' ')} max={400} />
        </p>
      )}
      {concerns.length > 0 && (
        <ul>
          {shown.map(({ meaning, text, href, since }) => (
            <li key={text} class={`note ${meaning}`}>
              <a href={href}>
                <span class={`sign text-${meaning}`} aria-hidden="true">
                  <Sign of={meaning === 'bad' ? '✕' : '?'} />
                </span>
                <strong>
                  <Line text={text} max={200} />
                </strong>
                {since !== undefined && (
                  <span class="quiet">
                    since <Time at={since} />
                  </span>
                )}
              </a>
            </li>
          ))}
          {concerns.length > shown.length && (
            <li class="note wait">
              <a href="/inbox">and {concerns.length - shown.length} more</a>
            </li>
          )}
        </ul>
      )}
    </section>
  )
}

/** Each figure with its window, and a link to the very executions that it counts. */
function Figures({ stats }: { stats: Output<'execution.stats'> }) {
  const { counts } = stats
  const figure = (only: keyof typeof counts, title: string, bad: boolean) => {
    const found = counts[only] ?? 0
    return (
      <a class="figure" href={urlOf('/executions', { only, since: WINDOW })}>
        <span class={bad && found > 0 ? 'value text-bad' : 'value'}>
          {bad && found > 0 && <Sign of="✕" />}
          {count(found)}
        </span>
        <span>{title}</span>
      </a>
    )
  }
  return (
    <section class="figures" aria-label={`truth, in the last ${WINDOW}`}>
      {figure('verified', 'verified', false)}
      {figure('unverified', 'done, unverified', false)}
      {figure('false_success', 'false success', true)}
      {figure('duplicate_effect', 'duplicate effects', true)}
      {figure('rollback_failed', 'rollbacks failed', true)}
      <a class="figure" href={urlOf('/executions', { status: 'rolled_back', since: WINDOW })}>
        <span class="value">{percent(stats.rollback_rate)}</span>
        <span>rolled back whole</span>
      </a>
      <p class="quiet">in the last {WINDOW}</p>
    </section>
  )
}

function Money({
  models,
  day,
}: {
  models: Output<'model.stats'> | undefined
  day: Output<'execution.stats'> | undefined
}) {
  const { spent_usd: spent = day?.cost_usd ?? 0, budget_usd: budget = null } = models?.today ?? {}
  return (
    <div class="money">
      <p>
        <span class="value">{dollars(spent)}</span> today{budget !== null && ` of ${dollars(budget)}`}
      </p>
      {budget === null ? (
        <p class="quiet">No budget for a day is set: models.budget_usd_per_day in execution.yaml.</p>
      ) : (
        <meter min={0} max={budget} high={budget * 0.8} value={spent} aria-label="spent of today's budget">
          {percent(spent / budget)}
        </meter>
      )}
      {day && (
        <p class="quiet">
          {counted(day.tokens_used, 'token')} in the last {WINDOW}; {percent(day.cache_hit_rate)} from the cache
        </p>
      )}
    </div>
  )
}

function ByStatus({ stats }: { stats: Output<'execution.stats'> }) {
  return (
    <table class="compact">
      <tbody>
        <tr>
          <th scope="row">not ended</th>
          <td class="numeric">
            <a href={urlOf('/executions', { only: 'open' })}>{count(stats.running)}</a>
          </td>
        </tr>
        {(['done', 'failed', 'denied', 'cancelled', 'rolled_back'] as const).map((status) => (
          <tr key={status}>
            <th scope="row">{status.replace('_', ' ')}</th>
            <td class="numeric">
              <a href={urlOf('/executions', { status, since: WINDOW })}>{count(stats.by_status[status] ?? 0)}</a>
            </td>
          </tr>
        ))}
        <tr>
          <th scope="row">half took at most</th>
          <td class="numeric">{stats.p50_ms === null ? '-' : duration(stats.p50_ms)}</td>
        </tr>
      </tbody>
    </table>
  )
}

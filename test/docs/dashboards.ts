/** The dashboards for Grafana: plain JSON, with a data source, Jaeger and the repeated service as variables. */

type Unit = 'short' | 's' | 'percentunit' | 'currencyUSD' | 'reqps'
interface Panel {
  title: string
  /** What it says, for who has not seen it before. */
  about: string
  type: 'stat' | 'timeseries'
  unit: Unit
  /** PromQL, by the words of the legend. */
  queries: Readonly<Record<string, string>>
}

const WIDTH = 24
/** A variable of the dashboard. */
const variable = (name: string): string => `\${${name}}`
const SOURCE = { type: 'prometheus', uid: variable('DS_PROMETHEUS') }
const RATE = '$__rate_interval'

const stat = (title: string, about: string, query: string, unit: Unit = 'short'): Panel => ({
  ...{ title, about, unit },
  type: 'stat',
  queries: { '': query },
})
const lines = (title: string, about: string, unit: Unit, queries: Panel['queries']): Panel => ({
  ...{ title, about, unit, queries },
  type: 'timeseries',
})
const quantile = (part: number, histogram: string, by = ''): string =>
  `histogram_quantile(${part}, sum by (le${by === '' ? '' : `, ${by}`}) (rate(${histogram}_bucket[${RATE}])))`
const rate = (counter: string, by: string): string => `sum by (${by}) (rate(${counter}[${RATE}]))`

const DASHBOARDS: Readonly<Record<string, { title: string; panels: readonly Panel[] }>> = {
  truth: {
    title: 'Deed: truth',
    panels: [
      stat('False successes', 'Must be 0.', 'sum(deed_false_success_total)'),
      stat('Duplicate effects', 'Must be 0.', 'sum(deed_duplicate_effects_total)'),
      stat('Done, not verified', 'Done, but not seen to be what the words ask for.', 'sum(deed_unverified_done_total)'),
      stat(
        'Rollbacks that succeeded',
        'Of those that ended.',
        'sum(deed_rollbacks_total{outcome="rolled_back"}) / sum(deed_rollbacks_total)',
        'percentunit',
      ),
      stat('Reports refused', "Contradicted by the executor's ledger.", 'sum(deed_reports_refused_total)'),
      stat(
        'Anchor of the audit log',
        'How long something has waited for one.',
        'max(deed_audit_anchor_age_seconds)',
        's',
      ),
      lines('Executions by outcome', 'How they ended.', 'reqps', {
        '{{outcome}}': rate('deed_executions_total', 'outcome'),
      }),
      lines('Attempts by outcome', 'Of actions and their undo.', 'reqps', {
        '{{intent}} {{outcome}}': rate('deed_actions_total', 'intent, outcome'),
      }),
      lines('Reviews', 'What waits for a person.', 'short', { '{{cause}}': 'sum by (cause) (deed_reviews_open)' }),
      lines('Alerts', 'Rules that fire.', 'short', { '{{name}}': 'sum by (name) (deed_alerts_open)' }),
    ],
  },
  flow: {
    title: 'Deed: flow',
    panels: [
      stat('Running', 'Executions that have not ended.', 'sum(deed_open_executions)'),
      stat('Ready', 'Tasks that only wait for a worker.', 'sum(deed_tasks_ready)'),
      stat('Oldest ready', 'How long it has waited.', 'max(deed_oldest_ready_seconds)', 's'),
      stat('Stuck', 'Without progress for ten minutes.', 'sum(deed_executions_stuck)'),
      lines('Duration of executions', 'From acceptance to end; the dots are traces.', 's', {
        p50: quantile(0.5, 'deed_execution_duration_seconds'),
        p95: quantile(0.95, 'deed_execution_duration_seconds'),
        p99: quantile(0.99, 'deed_execution_duration_seconds'),
      }),
      lines('Executions by method', 'How the answers were found.', 'reqps', {
        '{{method}}': rate('deed_executions_total', 'method'),
      }),
      lines('Tasks', 'Of executions that have not ended.', 'short', { '{{status}}': 'sum by (status) (deed_tasks)' }),
      lines('Slots', 'Of live workers.', 'short', {
        '{{capability}} {{state}}': 'sum by (capability, state) (deed_worker_slots)',
      }),
      lines('Actions, p95', 'One attempt, with its observations.', 's', {
        '{{kind}}': quantile(0.95, 'deed_action_duration_seconds', 'kind'),
      }),
      lines('Observations, p95', 'Until the one that counts.', 's', {
        '{{kind}}': quantile(0.95, 'deed_observation_duration_seconds', 'kind'),
      }),
      lines('Waiting for approval, p50', 'Until a person decides.', 's', {
        'level {{level}}': quantile(0.5, 'deed_approval_wait_seconds', 'level'),
      }),
      lines('Oldest open approval', 'How long it has waited.', 's', {
        'level {{level}}': 'max by (level) (deed_approval_oldest_seconds)',
      }),
    ],
  },
  models: {
    title: 'Deed: models and money',
    panels: [
      stat('Cost', 'Since the processes began.', 'sum(deed_model_cost_usd_total)', 'currencyUSD'),
      stat(
        'Budget used today',
        'By the tenant that has used most of its own.',
        'max(deed_budget_used_ratio)',
        'percentunit',
      ),
      lines('Calls', 'By model and outcome.', 'reqps', {
        '{{model}} {{outcome}}': rate('deed_model_calls_total', 'model, outcome'),
      }),
      lines('Duration of calls, p95', 'From question to answer.', 's', {
        '{{model}}': quantile(0.95, 'deed_model_call_duration_seconds', 'model'),
      }),
      lines('Tokens', 'As the server counted them.', 'reqps', {
        '{{model}} {{type}}': rate('deed_model_tokens_total', 'model, type'),
      }),
      lines('Cache', 'Questions to it.', 'reqps', {
        '{{tier}} {{result}}': rate('deed_cache_requests_total', 'tier, result'),
      }),
    ],
  },
  mesh: {
    title: 'Deed: mesh',
    panels: [
      lines('Processes', 'That answer, by service.', 'short', { '{{service}}': 'sum by (service) (deed_services)' }),
      lines('Builds', 'What runs.', 'short', {
        '{{service}} {{version}} {{revision}}': 'sum by (service, version, revision) (deed_build_info)',
      }),
      lines('Requests, p95', 'From receiving one to its answer.', 's', {
        '{{subject}}': quantile(0.95, 'deed_hop_duration_seconds', 'subject'),
      }),
      lines('Requests', 'By subject.', 'reqps', { '{{subject}}': rate('deed_hop_duration_seconds_count', 'subject') }),
      lines('Streams', 'Messages that wait.', 'short', { '{{stream}}': 'sum by (stream) (deed_intake_pending)' }),
      lines('Delivered again', 'Per second, and not acknowledged yet.', 'short', {
        '{{consumer}} per second': rate('deed_redeliveries_total', 'consumer'),
        '{{stream}} waiting': 'sum by (stream) (deed_redelivered_pending)',
      }),
      lines('Taken over', 'Attempts that continued what another one had left.', 'reqps', {
        '{{kind}}': rate('deed_lease_takeovers_total', 'kind'),
      }),
      lines('Lag', 'How late executions are checked.', 's', { lag: 'max(deed_reconcile_lag_seconds)' }),
      lines('Goals', 'By state.', 'short', { '{{state}}': 'sum by (state) (deed_goals)' }),
      stat('Exporters of facts', 'Must be 1.', 'sum(deed_exporter)'),
    ],
  },
}

/** Each dashboard as its file, by name. */
export const dashboardFiles: Readonly<Record<string, () => string>> = Object.fromEntries(
  Object.entries(DASHBOARDS).map(([name, { title, panels }]) => [
    `deploy/observability/grafana/${name}.json`,
    () => `${JSON.stringify(dashboard(name, title, panels), undefined, 2)}\n`,
  ]),
)

/** Every query of every dashboard. */
export const QUERIES: readonly string[] = Object.values(DASHBOARDS).flatMap(({ panels }) =>
  panels.flatMap(({ queries }) => Object.values(queries)),
)

function dashboard(name: string, title: string, panels: readonly Panel[]): object {
  let [x, y, rowHeight] = [0, 0, 0]
  const placed = panels.map((panel, index) => {
    const [w, h] = panel.type === 'stat' ? [4, 4] : [12, 8]
    if (x + w > WIDTH || (rowHeight !== 0 && rowHeight !== h)) [x, y, rowHeight] = [0, y + rowHeight, 0]
    const gridPos = { x, y, w, h }
    ;[x, rowHeight] = [x + w, h]
    return { id: index + 1, gridPos, ...panelOf(panel) }
  })
  return {
    uid: `deed-${name}`,
    title,
    tags: ['deed'],
    editable: false,
    schemaVersion: 41,
    timezone: 'utc',
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    links: [
      { type: 'dashboards', tags: ['deed'], asDropdown: false, title: 'Deed' },
      { type: 'link', title: 'Console', url: variable('console'), targetBlank: true },
    ],
    templating: {
      list: [
        {
          type: 'datasource',
          name: 'DS_PROMETHEUS',
          label: 'Prometheus',
          query: 'prometheus',
          current: { value: 'prometheus' },
        },
        { type: 'datasource', name: 'DS_JAEGER', label: 'Jaeger', query: 'jaeger', current: { value: 'jaeger' } },
        { type: 'textbox', name: 'console', label: 'Console', query: 'http://127.0.0.1:7700' },
      ],
    },
    panels: placed,
  }
}

function panelOf({ title, about, type, unit, queries }: Panel): object {
  return {
    title,
    description: about,
    type,
    datasource: SOURCE,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options:
      type === 'stat' ? { reduceOptions: { calcs: ['lastNotNull'] } } : { tooltip: { mode: 'multi', sort: 'desc' } },
    targets: Object.entries(queries).map(([legend, expr], index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource: SOURCE,
      expr,
      exemplar: expr.includes('_bucket'),
      ...(legend === '' ? {} : { legendFormat: legend }),
    })),
  }
}

/** The parts of the orchestrator, in the order they open. */
import { join } from 'node:path'
import { rulesOf } from '@deed/config/alert-rule'
import { type ExecutionConfig, readExecutionConfig } from '@deed/config/execution-config'
import { connectBus } from '@deed/mesh/bus'
import { busAddress } from '@deed/mesh/connection'
import { foreignStreams } from '@deed/mesh/foreign-streams'
import { natsProbe } from '@deed/mesh/nats-probe'
import { serveLogLevel } from '@deed/mesh/serve-log-level'
import { serveMetrics } from '@deed/process/serve-metrics'
import type { Alert } from '@deed/proto/alert'
import type { ExecutionId } from '@deed/proto/ids'
import { heartbeatWorker as heartbeatWorkerContract } from '@deed/proto/task'
import { openDatabase, openStore } from '@deed/store/database'
import { storeProbes } from '@deed/store/store-probes'
import { createLogger } from '@deed/telemetry/logger'
import { registerSecret } from '@deed/telemetry/redact'
import { deliverAlerts } from './alerts/deliver-alerts.ts'
import { webhooksOf } from './alerts/webhooks-of.ts'
import { type ExportRecord, openExport } from './answers/export-record.ts'
import { openFollowUp } from './answers/follow-up.ts'
import { openWaiters } from './answers/waiters.ts'
import { openAnchors } from './audit/anchor-heads.ts'
import { cachedBefore } from './cache/cached-before.ts'
import type { Config } from './config.ts'
import { capacityOf } from './dispatch/capacity.ts'
import { type Driver, openDriver } from './dispatch/drive.ts'
import { hearDecisions } from './dispatch/hear-decisions.ts'
import { keepWorkQueues } from './dispatch/keep-work-queues.ts'
import { targetRates } from './dispatch/target-rates.ts'
import { aboutExecution } from './execution/about-execution.ts'
import { exportFacts } from './facts/export-facts.ts'
import { runGoalsAndSchedules } from './goals/run-goals-and-schedules.ts'
import { heartbeatWorker } from './handlers/heartbeat-worker.ts'
import { serveRequests } from './handlers/serve-requests.ts'
import type { Accepting } from './intake/accept-execution.ts'
import { startIntake } from './intake/consume-submissions.ts'
import { rateLimit } from './intake/rate-limit.ts'
import { startForAlert } from './intake/start-for-alert.ts'
import { proposeDecisions } from './people/propose-decisions.ts'
import type { Planning } from './planning/plan-work.ts'
import { planningLane } from './planning/planning-lane.ts'
import { reinspect } from './planning/reinspect.ts'
import { paceOf, readPolicy } from './policy/policy.ts'
import { targetsWritten } from './policy/touched-by.ts'
import { clockOf } from './store/clock.ts'
import { holdIn, readDecided } from './store/decided.ts'
import { openAdmissions } from './store/executions.ts'
import { openGoalsOf } from './store/goals.ts'
import { readGrants } from './store/grants.ts'
import { migrations } from './store/migrations.ts'
import { permitsIn } from './store/permits.ts'
import { reserveTurn } from './store/rate-limits.ts'
import type { Schema } from './store/schema.ts'
import { openFreshness } from './store/written-targets.ts'
import { startResync } from './upkeep/resync.ts'
import { keepRetaining } from './upkeep/retention.ts'

/** The maximum number of active grants of a tenant that are considered. */
const GRANTS_MAX = 1_000
const DEFAULT_POLICY = join(import.meta.dirname, '../policy/default.yaml')

/** Starts the orchestrator. Disposing it drains: it accepts nothing new, finishes what runs, then disconnects. */
export async function startOrchestrator(env: Config): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const log = createLogger('orchestrator')
  const config = readExecutionConfig(env.DEED_CONFIG, {
    METRICS_PORT: env.env.METRICS_PORT,
    METRICS_HOST: env.env.METRICS_HOST,
  })
  for (const { env: variable } of Object.values(config.secrets)) registerSecret(env.env[variable] ?? '')
  const policy = readPolicy(env.DEED_POLICY ?? DEFAULT_POLICY)
  const leaseMs = env.ORCHESTRATOR_LEASE_MS
  const { metrics_port, metrics_host } = config.observability
  const metrics = opened.use(
    await serveMetrics('orchestrator', log, { ...env, METRICS_PORT: metrics_port, METRICS_HOST: metrics_host }),
  )

  const [db, bus] = await Promise.all([
    openDatabase<Schema>({
      url: env.DATABASE_URL,
      ownerUrl: env.DATABASE_OWNER_URL,
      schema: 'orchestrator',
      migrations,
      log,
    }),
    connectBus({ service: 'orchestrator', ...busAddress(env), log }),
  ])
  opened.use(db)
  serveLogLevel(bus, 'orchestrator')
  // A connection of their own, so that heartbeats never queue behind other statements.
  const heartbeats = opened.use(openStore<Schema>({ url: env.DATABASE_URL, schema: 'orchestrator', poolMax: 1, log }))
  const clock = clockOf(db)
  await clock.synchronise()
  const queues = opened.use(await keepWorkQueues(db, bus, log, env.ORCHESTRATOR_TENANTS, config.streams.replicas))
  for (const stream of await foreignStreams(bus.nc)) log.warn(stream)
  const reportsRefused = { count: 0 }
  metrics.readyIf({
    nats: natsProbe(bus),
    ...storeProbes(db, migrations),
    queues: async () => queues.missing().join('; ') || undefined,
  })
  const sources = { bus, tenants: env.ORCHESTRATOR_TENANTS, budget: config.models.budget_usd_per_day !== undefined }

  const anchors = opened.use(openAnchors({ db, log, clock }))
  const before = cachedBefore()
  const waiters = openWaiters(bus)
  opened.defer(() => waiters.close())
  const followUps = opened.use(
    openFollowUp({
      db,
      bus,
      log,
      policy,
      waiters,
      cachedBefore: before,
      exportRecord: exportOf(config.observability),
    }),
  )
  const wake = (id: ExecutionId): Promise<unknown> =>
    driver.apply(id, { type: 'tick' }).catch((error: unknown) => {
      // The resync will retry.
      log.warn({ err: error, execution_id: id }, 'failed to resume an execution that was waiting for a slot')
    })
  const decisions = opened.use(hearDecisions({ bus, log, read: () => readDecided(db), wake }))
  const { orderOf } = decisions
  const capacity = capacityOf(wake, orderOf)
  const lane = planningLane(orderOf)
  const rates = opened.use(
    targetRates({
      log,
      rateOf: (target) => config.targets[target]?.rate_limit,
      reserve: (target, rate) => reserveTurn(db, target, rate),
      wake,
      orderOf,
    }),
  )
  const driver: Driver = openDriver({
    db,
    bus,
    log,
    clock,
    capacity,
    rates,
    decisions,
    workQueues: queues,
    leaseMs,
    policyVersion: policy.version,
    paceOf: (action) => paceOf(policy, action),
    writes: (action) => targetsWritten(policy, config, action),
    autoRollback: config.rollback.auto_rollback_on_failure,
    moved: anchors.moved,
    reportsRefused,
    look: (id, approvalId) => reinspecting(id, approvalId),
    propose: (id, taskId) => proposing.propose(id, taskId),
    ended(snapshot, waiting) {
      followUps
        .followUp(snapshot, waiting)
        .catch((error: unknown) =>
          log.warn({ err: error, ...aboutExecution(snapshot.execution) }, 'the resync will retry'),
        )
    },
  })
  opened.defer(() => driver.idle())
  opened.use(bus)
  const rules = rulesOf(config.alerts.rules)
  const proposing = opened.use(proposeDecisions({ db, bus, log, driver, rules }))
  const admit = openAdmissions(db)
  const planning: Planning = {
    bus,
    policy,
    workspaces: config,
    secrets: config.secrets,
    permits: permitsIn(db),
    holdOn: holdIn(db),
    grants: (tenant) => readGrants(db, tenant, { all: false, limit: GRANTS_MAX }),
    now: clock.now,
  }
  const reinspecting = reinspect({ driver, planning, log })
  const accepting: Accepting = {
    bus,
    log,
    clock,
    policy,
    planning,
    driver,
    capacity,
    cachedBefore: before,
    lane,
    goals: openGoalsOf(db),
    isFresh: openFreshness(db),
    markEnded: (snapshot) => followUps.mark(snapshot),
    async admit(admission) {
      const admitted = await admit(admission)
      if (!admitted.existed) anchors.moved(admission.execution)
      return admitted
    },
  }

  const webhooks = webhooksOf(config.alerts.webhooks, env.env)
  const respond = (alert: Alert) => startForAlert({ ...accepting, db, config }, alert)
  opened.use(deliverAlerts({ db, bus, log, webhooks, respond }))
  const session = opened.use(openStore<Schema>({ url: env.DATABASE_URL, schema: 'orchestrator', poolMax: 1, log }))
  opened.use(exportFacts({ ...sources, db, session, log, registry: metrics.registry, rules }))
  const limits = rateLimit(config.limits, {
    waitingOf: (tenant) => capacity.waitingOf(tenant) + lane.waitingOf(tenant),
  })
  const parts = {
    ...accepting,
    db,
    config,
    limits,
    waiters,
    followUps,
    anchors,
    queues,
    rules,
    sources,
    reportsRefused,
  }
  serveRequests(parts)
  opened.use(keepRetaining({ db, bus, retention: config.retention }, clock.now, log))
  const goalsAndSchedules = opened.use(runGoalsAndSchedules(parts))
  const resync = opened.use(startResync({ ...parts, goalsAndSchedules }))
  bus.serve(heartbeatWorkerContract, heartbeatWorker({ db: heartbeats, leaseMs, hurry: () => resync.hurry() }))
  for (const tenant of env.ORCHESTRATOR_TENANTS)
    opened.use(await startIntake(parts, { bus, log, config, limits, tenant }))
  opened.use(bus.joinReplicas({ choose: true }))

  return opened.move()
}

function exportOf({
  export_to_file: file,
  export_max_mb: megabytes,
  export_files: olderMax,
}: ExecutionConfig['observability']): ExportRecord | undefined {
  return file === undefined ? undefined : openExport({ file, bytesMax: megabytes * 1e6, olderMax })
}

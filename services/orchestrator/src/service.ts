/** The parts of the orchestrator, in the order they open. */
import { join } from 'node:path'
import { readExecutionConfig } from '@deed/config/execution-config'
import { connectBus } from '@deed/mesh/bus'
import { busAddress } from '@deed/mesh/connection'
import { foreignStreams } from '@deed/mesh/foreign-streams'
import * as approval from '@deed/proto/approval'
import * as audit from '@deed/proto/audit'
import * as doctor from '@deed/proto/doctor'
import * as execution from '@deed/proto/execution'
import { findId as findIdContract } from '@deed/proto/find-id'
import * as goal from '@deed/proto/goal'
import * as grant from '@deed/proto/grant'
import type { ExecutionId } from '@deed/proto/ids'
import * as manifest from '@deed/proto/manifest'
import * as person from '@deed/proto/person'
import * as schedule from '@deed/proto/schedule'
import * as steering from '@deed/proto/steering'
import * as task from '@deed/proto/task'
import { openDatabase, openStore } from '@deed/store/database'
import { createLogger } from '@deed/telemetry/logger'
import { registerSecret } from '@deed/telemetry/redact'
import { deliverAlerts } from './alerts/deliver-alerts.ts'
import { webhooksOf } from './alerts/webhooks-of.ts'
import { openFollowUp } from './answers/follow-up.ts'
import { openWaiters } from './answers/waiters.ts'
import { openAnchors } from './audit/anchor-heads.ts'
import { cachedBefore } from './cache/cached-before.ts'
import type { Config } from './config.ts'
import { capacityOf } from './dispatch/capacity.ts'
import { type Driver, openDriver } from './dispatch/drive.ts'
import { keepWorkQueues } from './dispatch/keep-work-queues.ts'
import { targetRates } from './dispatch/target-rates.ts'
import { runGoalsAndSchedules } from './goals/run-goals-and-schedules.ts'
import { cancelExecution } from './handlers/cancel-execution.ts'
import { choose } from './handlers/choose-reading.ts'
import { decideApproval } from './handlers/decide-approval.ts'
import { decideApprovals } from './handlers/decide-approvals.ts'
import { deleteGoal } from './handlers/delete-goal.ts'
import { deleteGrant } from './handlers/delete-grant.ts'
import { deleteSchedule } from './handlers/delete-schedule.ts'
import { examineOrchestrator } from './handlers/examine-orchestrator.ts'
import { executionStats } from './handlers/execution-stats.ts'
import { exportAudit } from './handlers/export-audit.ts'
import { findId } from './handlers/find-id.ts'
import { getExecution } from './handlers/get-execution.ts'
import { heartbeatWorker } from './handlers/heartbeat-worker.ts'
import { listApprovals } from './handlers/list-approvals.ts'
import { listExecutions } from './handlers/list-executions.ts'
import { listGoals } from './handlers/list-goals.ts'
import { listGrants } from './handlers/list-grants.ts'
import { listSchedules } from './handlers/list-schedules.ts'
import { listTasks } from './handlers/list-tasks.ts'
import { pauseOrResume } from './handlers/pause-execution.ts'
import { putGoal } from './handlers/put-goal.ts'
import { putGrant } from './handlers/put-grant.ts'
import { putManifest } from './handlers/put-manifest.ts'
import { putSchedule } from './handlers/put-schedule.ts'
import { reportTask } from './handlers/report-task.ts'
import { requestExecution } from './handlers/request-execution.ts'
import { retryExecution } from './handlers/retry-execution.ts'
import { rollbackExecution } from './handlers/rollback-execution.ts'
import { steerExecutions } from './handlers/steer-executions.ts'
import { steerGoal } from './handlers/steer-goal.ts'
import { steerSchedule } from './handlers/steer-schedule.ts'
import { verifyAudit } from './handlers/verify-audit.ts'
import { watchExecution } from './handlers/watch-execution.ts'
import { withoutSecrets } from './handlers/without-secrets.ts'
import type { Accepting } from './intake/accept-execution.ts'
import { startIntake } from './intake/consume-submissions.ts'
import { rateLimit } from './intake/rate-limit.ts'
import type { Planning } from './planning/plan-work.ts'
import { planningLane } from './planning/planning-lane.ts'
import { reinspect } from './planning/reinspect.ts'
import { isPromptRead, readPolicy } from './policy/policy.ts'
import { targetsWritten } from './policy/touched-by.ts'
import { clockOf } from './store/clock.ts'
import { openAdmissions } from './store/executions.ts'
import { openGoalsOf } from './store/goals.ts'
import { readGrants } from './store/grants.ts'
import { migrations } from './store/migrations.ts'
import { reserveTurn } from './store/rate-limits.ts'
import type { Schema } from './store/schema.ts'
import { openFreshness } from './store/written-targets.ts'
import { startResync } from './upkeep/resync.ts'
import { keepRetaining } from './upkeep/retention.ts'
import { serveMetrics } from './upkeep/serve-metrics.ts'

/** The maximum number of active grants of a tenant that are considered. */
const GRANTS_MAX = 1_000
const DEFAULT_POLICY = join(import.meta.dirname, '../policy/default.yaml')

/** Starts the orchestrator. Disposing it drains: it accepts nothing new, finishes what runs, then disconnects. */
export async function startOrchestrator(env: Config): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const log = createLogger('orchestrator')
  const config = readExecutionConfig(env.DEED_CONFIG, {
    METRICS_PORT: env.METRICS_PORT,
    METRICS_HOST: env.METRICS_HOST,
  })
  for (const { env: variable } of Object.values(config.secrets)) registerSecret(env.env[variable] ?? '')
  const policy = readPolicy(env.DEED_POLICY ?? DEFAULT_POLICY)
  const leaseMs = env.ORCHESTRATOR_LEASE_MS

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
  // A connection of their own, so that heartbeats never queue behind other statements.
  const heartbeats = opened.use(openStore<Schema>({ url: env.DATABASE_URL, schema: 'orchestrator', poolMax: 1, log }))
  const { metrics_port: port, metrics_host: host } = config.observability
  const clock = clockOf(db)
  await clock.synchronise()
  const queues = opened.use(await keepWorkQueues(db, bus, log, env.ORCHESTRATOR_TENANTS))
  for (const stream of await foreignStreams(bus.nc)) log.warn(stream)
  const reportsRefused = { count: 0 }
  if (port !== undefined) opened.use(await serveMetrics(db, log, { host, port }, queues, reportsRefused))

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
      exportFile: config.observability.export_to_file,
    }),
  )
  const wake = (id: ExecutionId): Promise<unknown> =>
    driver.apply(id, { type: 'tick' }).catch((error: unknown) => {
      // The resync will retry.
      log.warn({ err: error, execution_id: id }, 'failed to resume an execution that was waiting for a slot')
    })
  const capacity = capacityOf(wake)
  const lane = planningLane()
  const rates = opened.use(
    targetRates({
      log,
      rateOf: (target) => config.targets[target]?.rate_limit,
      reserve: (target, rate) => reserveTurn(db, target, rate),
      wake,
    }),
  )
  const driver: Driver = openDriver({
    db,
    bus,
    log,
    clock,
    capacity,
    rates,
    workQueues: queues,
    leaseMs,
    policyVersion: policy.version,
    reads: (action) => isPromptRead(policy, action),
    writes: (action) => targetsWritten(policy, config, action),
    autoRollback: config.rollback.auto_rollback_on_failure,
    moved: anchors.moved,
    reportsRefused,
    look: (id, approvalId) => look(id, approvalId),
    ended(snapshot, waiting) {
      followUps
        .followUp(snapshot, waiting)
        .catch((error: unknown) =>
          log.warn({ err: error, execution_id: snapshot.execution.execution_id }, 'the resync will retry'),
        )
    },
  })
  opened.defer(() => driver.idle())
  opened.use(bus)
  const admit = openAdmissions(db)
  const planning: Planning = {
    bus,
    policy,
    workspaces: config,
    secrets: config.secrets,
    grants: (tenant) => readGrants(db, tenant, { all: false, limit: GRANTS_MAX }),
    now: clock.now,
  }
  const look = reinspect({ driver, planning, log })
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
    async admit(admission) {
      const admitted = await admit(admission)
      if (!admitted.existed) anchors.moved(admission.execution)
      return admitted
    },
  }

  opened.use(deliverAlerts({ db, bus, log, webhooks: webhooksOf(config.alerts.webhooks, env.env) }))
  const limits = rateLimit(config.limits, {
    waitingOf: (tenant) => capacity.waitingOf(tenant) + lane.waitingOf(tenant),
  })
  bus.serve(execution.requestExecution, requestExecution({ ...accepting, db, config, limits, waiters, followUps }))
  bus.serve(execution.getExecution, getExecution({ db, driver, clock }))
  bus.serve(execution.listExecutions, listExecutions({ db, listMax: config.rollback.max_history }))
  bus.serve(execution.executionStats, executionStats({ db }))
  bus.serve(steering.cancelExecution, withoutSecrets(cancelExecution({ db, driver, planning })))
  bus.serve(steering.pauseExecution, withoutSecrets(pauseOrResume({ db, driver }, 'paused')))
  bus.serve(steering.resumeExecution, withoutSecrets(pauseOrResume({ db, driver }, 'resumed')))
  bus.serve(steering.retryExecution, withoutSecrets(retryExecution({ db, driver, planning })))
  bus.serve(steering.rollbackExecution, withoutSecrets(rollbackExecution({ db, bus, driver, planning })))
  bus.serve(steering.steerExecutions, withoutSecrets(steerExecutions({ db, bus, driver, planning })))
  bus.serve(execution.watchExecution, watchExecution({ db }))
  bus.serve(approval.listApprovals, listApprovals({ db }))
  const choosing = { db, bus, config, driver, policy, planning, goals: accepting.goals }
  bus.serve(approval.decideApproval, decideApproval(choosing))
  bus.serve(person.chooseReading, choose(choosing))
  bus.serve(approval.decideApprovals, withoutSecrets(decideApprovals({ db, driver, policy })))
  bus.serve(grant.putGrant, withoutSecrets(putGrant({ db, bus, policy })))
  bus.serve(grant.listGrants, listGrants({ db }))
  bus.serve(grant.deleteGrant, deleteGrant({ db, driver }))
  bus.serve(audit.verifyAudit, verifyAudit({ db, bus }))
  bus.serve(audit.exportAudit, exportAudit({ db }))
  bus.serve(doctor.examineOrchestrator, examineOrchestrator({ db, bus, queues, reportsRefused }))
  opened.use(keepRetaining({ db, bus, retention: config.retention }, clock.now, log))
  bus.serve(manifest.putManifest, putManifest({ bus }))
  bus.serve(task.listTasks, listTasks({ db }))
  bus.serve(findIdContract, findId({ db }))
  bus.serve(task.reportTask, reportTask(accepting))
  const looking = { ...accepting, db }
  const goalsAndSchedules = opened.use(runGoalsAndSchedules(looking))
  bus.serve(goal.putGoal, putGoal({ ...looking, config }))
  bus.serve(goal.listGoals, listGoals(looking))
  bus.serve(goal.deleteGoal, deleteGoal({ db }))
  bus.serve(goal.pauseGoal, steerGoal(looking, 'pause'))
  bus.serve(goal.resumeGoal, steerGoal(looking, 'resume'))
  bus.serve(schedule.putSchedule, putSchedule({ ...looking, config }))
  bus.serve(schedule.listSchedules, listSchedules({ db }))
  bus.serve(schedule.deleteSchedule, deleteSchedule({ db }))
  bus.serve(schedule.pauseSchedule, steerSchedule(looking, 'pause'))
  bus.serve(schedule.resumeSchedule, steerSchedule(looking, 'resume'))
  const resync = opened.use(startResync({ ...accepting, db, followUps, waiters, goalsAndSchedules }))
  bus.serve(task.heartbeatWorker, heartbeatWorker({ db: heartbeats, leaseMs, hurry: () => resync.hurry() }))
  for (const tenant of env.ORCHESTRATOR_TENANTS)
    opened.use(await startIntake({ ...accepting, db }, { bus, log, config, limits, tenant }))

  return opened.move()
}

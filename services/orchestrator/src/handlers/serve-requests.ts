/** Which handler answers which contract, and with which parts of the orchestrator. */

import type { ExecutionConfig } from '@deed/config/execution-config'
import * as alerts from '@deed/proto/alert'
import type { AlertRule } from '@deed/proto/alert-rules'
import * as approval from '@deed/proto/approval'
import * as audit from '@deed/proto/audit'
import * as doctor from '@deed/proto/doctor'
import * as execution from '@deed/proto/execution'
import { executionHistory as executionHistoryContract } from '@deed/proto/execution-history'
import { findId as findIdContract } from '@deed/proto/find-id'
import * as goal from '@deed/proto/goal'
import * as grant from '@deed/proto/grant'
import * as manifest from '@deed/proto/manifest'
import { readMetrics as readMetricsContract } from '@deed/proto/metric-samples'
import * as person from '@deed/proto/person'
import * as schedule from '@deed/proto/schedule'
import * as steering from '@deed/proto/steering'
import * as task from '@deed/proto/task'
import * as worker from '@deed/proto/worker'
import * as workflow from '@deed/proto/workflow'
import type { FollowUp } from '../answers/follow-up.ts'
import type { Waiters } from '../answers/waiters.ts'
import type { Anchors } from '../audit/anchor-heads.ts'
import type { WorkQueues } from '../dispatch/keep-work-queues.ts'
import type { FactSources } from '../facts/export-facts.ts'
import type { Accepting } from '../intake/accept-execution.ts'
import type { RateLimit } from '../intake/rate-limit.ts'
import type { Database } from '../store/schema.ts'
import { cancelExecution } from './cancel-execution.ts'
import { choose } from './choose-reading.ts'
import { decideApproval } from './decide-approval.ts'
import { decideApprovals } from './decide-approvals.ts'
import { deleteGoal } from './delete-goal.ts'
import { deleteGrant } from './delete-grant.ts'
import { deleteSchedule } from './delete-schedule.ts'
import { examineOrchestrator } from './examine-orchestrator.ts'
import { executionHistory } from './execution-history.ts'
import { executionStats } from './execution-stats.ts'
import { exportAudit } from './export-audit.ts'
import { findId } from './find-id.ts'
import { getExecution } from './get-execution.ts'
import { listAlerts } from './list-alerts.ts'
import { listApprovals } from './list-approvals.ts'
import { listExecutions } from './list-executions.ts'
import { listGoals } from './list-goals.ts'
import { listGrants } from './list-grants.ts'
import { listRefusals } from './list-refusals.ts'
import { listSchedules } from './list-schedules.ts'
import { listTasks } from './list-tasks.ts'
import { listWorkers } from './list-workers.ts'
import { listWorkflows } from './list-workflows.ts'
import { pauseExecution, resumeExecution } from './pause-execution.ts'
import { putGoal } from './put-goal.ts'
import { putGrant } from './put-grant.ts'
import { putManifest } from './put-manifest.ts'
import { putSchedule } from './put-schedule.ts'
import { readMetrics } from './read-metrics.ts'
import { recordRefusals } from './record-refusals.ts'
import { reportTask } from './report-task.ts'
import { requestExecution } from './request-execution.ts'
import { retryExecution } from './retry-execution.ts'
import { rollbackExecution } from './rollback-execution.ts'
import { silenceAlert } from './silence-alert.ts'
import { steerExecutions } from './steer-executions.ts'
import { steerGoal } from './steer-goal.ts'
import { steerSchedule } from './steer-schedule.ts'
import { unsilenceAlert } from './unsilence-alert.ts'
import { verifyAudit } from './verify-audit.ts'
import { watchExecution } from './watch-execution.ts'
import { withoutSecrets } from './without-secrets.ts'

export interface Parts extends Accepting {
  db: Database
  config: ExecutionConfig
  limits: RateLimit
  waiters: Waiters
  followUps: FollowUp
  anchors: Anchors
  queues: WorkQueues
  rules: readonly AlertRule[]
  sources: FactSources
  reportsRefused: { readonly count: number }
}

/** Serves every request but the heartbeats of workers, which have a connection of their own. */
export function serveRequests(parts: Parts): void {
  serveExecutions(parts)
  serveSteering(parts)
  servePeople(parts)
  serveGoalsAndSchedules(parts)
  serveWork(parts)
  serveFacts(parts)
}

function serveExecutions({ config, limits, waiters, followUps, ...parts }: Parts): void {
  const { bus, db, driver, clock } = parts
  bus.serve(execution.requestExecution, requestExecution({ ...parts, config, limits, waiters, followUps }))
  bus.serve(execution.getExecution, getExecution({ db, driver, clock }))
  bus.serve(execution.listExecutions, listExecutions({ db, listMax: config.rollback.max_history }))
  bus.serve(execution.executionStats, executionStats({ db }))
  bus.serve(executionHistoryContract, executionHistory({ db }))
  bus.serve(execution.watchExecution, watchExecution({ db }))
  bus.serve(findIdContract, findId({ db }))
}

function serveSteering({ bus, db, driver, planning }: Parts): void {
  bus.serve(steering.cancelExecution, withoutSecrets(cancelExecution({ db, driver, planning })))
  bus.serve(steering.pauseExecution, withoutSecrets(pauseExecution({ db, driver })))
  bus.serve(steering.resumeExecution, withoutSecrets(resumeExecution({ db, driver })))
  bus.serve(steering.retryExecution, withoutSecrets(retryExecution({ db, driver, planning })))
  bus.serve(steering.rollbackExecution, withoutSecrets(rollbackExecution({ db, bus, driver, planning })))
  bus.serve(steering.steerExecutions, withoutSecrets(steerExecutions({ db, bus, driver, planning })))
}

/** What people decide, and what they decide ahead. */
function servePeople({ bus, db, config, driver, policy, planning, goals }: Parts): void {
  const choosing = { db, bus, config, driver, policy, planning, goals }
  bus.serve(approval.listApprovals, listApprovals({ db }))
  bus.serve(approval.decideApproval, decideApproval(choosing))
  bus.serve(approval.decideApprovals, withoutSecrets(decideApprovals({ db, driver, policy })))
  bus.serve(person.chooseReading, choose(choosing))
  bus.serve(grant.putGrant, withoutSecrets(putGrant({ db, bus, policy })))
  bus.serve(grant.listGrants, listGrants({ db }))
  bus.serve(grant.deleteGrant, deleteGrant({ db, driver }))
}

function serveGoalsAndSchedules(parts: Parts): void {
  const { bus, db } = parts
  bus.serve(goal.putGoal, putGoal(parts))
  bus.serve(goal.listGoals, listGoals(parts))
  bus.serve(goal.deleteGoal, deleteGoal({ db }))
  bus.serve(goal.pauseGoal, steerGoal(parts, 'pause'))
  bus.serve(goal.resumeGoal, steerGoal(parts, 'resume'))
  bus.serve(schedule.putSchedule, putSchedule(parts))
  bus.serve(schedule.listSchedules, listSchedules({ db }))
  bus.serve(schedule.deleteSchedule, deleteSchedule({ db }))
  bus.serve(schedule.pauseSchedule, steerSchedule(parts, 'pause'))
  bus.serve(schedule.resumeSchedule, steerSchedule(parts, 'resume'))
}

/** Tasks, those who work on them, workflows, and large manifests. */
function serveWork(parts: Parts): void {
  const { bus, db, config } = parts
  bus.serve(workflow.listWorkflows, listWorkflows(config))
  bus.serve(manifest.putManifest, putManifest({ bus }))
  bus.serve(task.listTasks, listTasks({ db }))
  bus.serve(task.reportTask, reportTask(parts))
  bus.serve(worker.listWorkers, listWorkers({ db, bus }))
}

/** What was recorded, and how the mesh is. */
function serveFacts({ bus, db, anchors, queues, reportsRefused, rules, sources }: Parts): void {
  bus.serve(audit.verifyAudit, verifyAudit({ db, bus }))
  bus.serve(audit.exportAudit, exportAudit({ db }))
  bus.serve(audit.recordRefusals, recordRefusals({ anchors }))
  bus.serve(audit.listRefusals, listRefusals({ db }))
  bus.serve(alerts.listAlerts, listAlerts({ db, rules }))
  bus.serve(alerts.silenceAlert, silenceAlert({ db }))
  bus.serve(alerts.unsilenceAlert, unsilenceAlert({ db }))
  bus.serve(readMetricsContract, readMetrics({ db, ...sources }))
  bus.serve(doctor.examineOrchestrator, examineOrchestrator({ db, bus, queues, reportsRefused }))
}

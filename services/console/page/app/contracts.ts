/** The requests that the page makes, with their types. A page that calls another subject adds its line. */
import type * as agent from '@deed/proto/agent'
import type * as alert from '@deed/proto/alert'
import type * as approval from '@deed/proto/approval'
import type * as audit from '@deed/proto/audit'
import type * as cache from '@deed/proto/cache'
import type * as decision from '@deed/proto/decision'
import type * as doctor from '@deed/proto/doctor'
import type * as execution from '@deed/proto/execution'
import type * as executionHistory from '@deed/proto/execution-history'
import type * as findId from '@deed/proto/find-id'
import type * as goal from '@deed/proto/goal'
import type * as grant from '@deed/proto/grant'
import type * as model from '@deed/proto/model'
import type * as organization from '@deed/proto/organization'
import type * as organizationNotes from '@deed/proto/organization-notes'
import type * as organizationWork from '@deed/proto/organization-work'
import type * as person from '@deed/proto/person'
import type * as rules from '@deed/proto/rules'
import type * as schedule from '@deed/proto/schedule'
import type * as steering from '@deed/proto/steering'
import type * as task from '@deed/proto/task'
import type * as template from '@deed/proto/template'
import type * as worker from '@deed/proto/worker'
import type { z } from 'zod'

export interface Contracts {
  'agent.explain': typeof agent.explainTask
  'alert.list': typeof alert.listAlerts
  'alert.silence': typeof alert.silenceAlert
  'alert.unsilence': typeof alert.unsilenceAlert
  'approval.decide': typeof approval.decideApproval
  'approval.decide-many': typeof approval.decideApprovals
  'approval.list': typeof approval.listApprovals
  'audit.export': typeof audit.exportAudit
  'audit.list-refusals': typeof audit.listRefusals
  'audit.verify': typeof audit.verifyAudit
  'cache.invalidate': typeof cache.invalidateCache
  'cache.list': typeof cache.listCache
  'cache.stats': typeof cache.cacheStats
  'doctor.agent': typeof doctor.examineAgent
  'doctor.executor': typeof doctor.examineExecutor
  'doctor.orchestrator': typeof doctor.examineOrchestrator
  'execution.cancel': typeof steering.cancelExecution
  'execution.choose': typeof person.chooseReading
  'execution.get': typeof execution.getExecution
  'execution.history': typeof executionHistory.executionHistory
  'execution.list': typeof execution.listExecutions
  'execution.pause': typeof steering.pauseExecution
  'execution.request': typeof execution.requestExecution
  'execution.resume': typeof steering.resumeExecution
  'execution.retry': typeof steering.retryExecution
  'execution.rollback': typeof steering.rollbackExecution
  'execution.stats': typeof execution.executionStats
  'execution.steer': typeof steering.steerExecutions
  'goal.delete': typeof goal.deleteGoal
  'goal.list': typeof goal.listGoals
  'goal.pause': typeof goal.pauseGoal
  'goal.put': typeof goal.putGoal
  'goal.resume': typeof goal.resumeGoal
  'grant.delete': typeof grant.deleteGrant
  'grant.list': typeof grant.listGrants
  'grant.put': typeof grant.putGrant
  'id.find': typeof findId.findId
  'model.calls': typeof model.listModelCalls
  'model.stats': typeof model.modelStats
  'organization.get-decision': typeof decision.getDecision
  'organization.list-allocations': typeof organizationWork.listAllocations
  'organization.list-backlog': typeof organizationWork.listBacklog
  'organization.list-decisions': typeof decision.listDecisions
  'organization.list-mandates': typeof organizationWork.listMandates
  'organization.list-messages': typeof organizationNotes.listMessages
  'organization.list-permits': typeof organizationWork.listPermits
  'organization.list-roles': typeof organization.listRoles
  'organization.list-standards': typeof organizationWork.listStandards
  'organization.recall': typeof organizationNotes.recall
  'rules.forget': typeof rules.forgetLearned
  'rules.learned': typeof rules.listLearned
  'rules.list': typeof rules.listRules
  'schedule.delete': typeof schedule.deleteSchedule
  'schedule.list': typeof schedule.listSchedules
  'schedule.pause': typeof schedule.pauseSchedule
  'schedule.put': typeof schedule.putSchedule
  'schedule.resume': typeof schedule.resumeSchedule
  'task.list': typeof task.listTasks
  'template.get': typeof template.getTemplate
  'template.history': typeof template.templateHistory
  'template.list': typeof template.listTemplates
  'worker.list': typeof worker.listWorkers
}

export type Subject = keyof Contracts
/** As it travels: ids are plain texts. */
export type Input<S extends Subject> = Plain<z.input<Contracts[S]['input']>>
export type Output<S extends Subject> = z.output<Contracts[S]['output']>

/** Without the brands of ids, which a page reads from addresses and from messages. */
type Plain<T> = T extends string
  ? T extends { readonly [z.$brand]: unknown }
    ? string
    : T
  : T extends readonly (infer Item)[]
    ? Plain<Item>[]
    : T extends object
      ? { [K in keyof T]: Plain<T[K]> }
      : T

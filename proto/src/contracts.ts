/** Every contract of the mesh, in one list: for documents and for tests. */
import { forgetActions, inspectAction, inspectUndo, listKinds, resolveNames, workAct } from './action.ts'
import { explainTask, processTask, workSolve } from './agent.ts'
import { alert } from './alert.ts'
import { decideApproval, decideApprovals, listApprovals } from './approval.ts'
import { exportAudit, verifyAudit } from './audit.ts'
import { cacheStats, getCache, invalidateCache, putCache, releaseCache, reserveCache } from './cache.ts'
import type { Contract } from './contract.ts'
import { examineAgent, examineExecutor, examineOrchestrator } from './doctor.ts'
import {
  executionEvent,
  executionStats,
  getExecution,
  listExecutions,
  requestExecution,
  watchExecution,
} from './execution.ts'
import { findId } from './find-id.ts'
import { deleteGoal, listGoals, pauseGoal, putGoal, resumeGoal } from './goal.ts'
import { deleteGrant, listGrants, putGrant } from './grant.ts'
import { putManifest } from './manifest.ts'
import { chooseReading } from './person.ts'
import { compensateProvided, executeProvided, observeProvided } from './provider.ts'
import {
  exportLearned,
  forgetLearned,
  learnSentence,
  listLearned,
  listRules,
  testRules,
  unlearnSentence,
} from './rules.ts'
import { deleteSchedule, listSchedules, pauseSchedule, putSchedule, resumeSchedule } from './schedule.ts'
import {
  cancelExecution,
  pauseExecution,
  resumeExecution,
  retryExecution,
  rollbackExecution,
  steerExecutions,
} from './steering.ts'
import { decomposeTask, heartbeatWorker, listTasks, reportTask } from './task.ts'
import { getTemplate, listTemplates, recordTemplate, selectTemplate } from './template.ts'

export const CONTRACTS: readonly Contract[] = [
  requestExecution,
  getExecution,
  listExecutions,
  cancelExecution,
  pauseExecution,
  resumeExecution,
  retryExecution,
  rollbackExecution,
  steerExecutions,
  chooseReading,
  watchExecution,
  executionStats,
  listApprovals,
  decideApproval,
  decideApprovals,
  putGrant,
  listGrants,
  deleteGrant,
  putManifest,
  listTasks,
  findId,
  putGoal,
  listGoals,
  deleteGoal,
  pauseGoal,
  resumeGoal,
  putSchedule,
  listSchedules,
  deleteSchedule,
  pauseSchedule,
  resumeSchedule,
  verifyAudit,
  exportAudit,
  examineOrchestrator,
  examineExecutor,
  examineAgent,
  reportTask,
  heartbeatWorker,
  executionEvent,
  alert,
  workAct,
  workSolve,
  inspectAction,
  resolveNames,
  inspectUndo,
  listKinds,
  forgetActions,
  observeProvided,
  executeProvided,
  compensateProvided,
  selectTemplate,
  getTemplate,
  recordTemplate,
  listTemplates,
  decomposeTask,
  explainTask,
  processTask,
  learnSentence,
  unlearnSentence,
  listRules,
  testRules,
  listLearned,
  forgetLearned,
  exportLearned,
  getCache,
  reserveCache,
  putCache,
  releaseCache,
  invalidateCache,
  cacheStats,
]

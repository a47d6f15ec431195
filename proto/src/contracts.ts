/** Every contract of the mesh, in one list: for documents and for tests. */
import { checkInputs, forgetActions, inspectAction, inspectUndo, listKinds, resolveNames, workAct } from './action.ts'
import { explainTask, processTask, workSolve } from './agent.ts'
import { alert, listAlerts, silenceAlert, unsilenceAlert } from './alert.ts'
import { decideApproval, decideApprovals, listApprovals } from './approval.ts'
import { exportAudit, listRefusals, recordRefusals, verifyAudit } from './audit.ts'
import {
  cacheStats,
  getCache,
  invalidateCache,
  judgeCache,
  listCache,
  putCache,
  releaseCache,
  reportCache,
  reserveCache,
} from './cache.ts'
import { analyzeCodebase, searchCode } from './code.ts'
import { linkConsole, signOutOfConsole } from './console.ts'
import type { Contract } from './contract.ts'
import { castVote, decisionEvent, escalateDecision, getDecision, listDecisions, proposeDecision } from './decision.ts'
import { examineAgent, examineExecutor, examineOrchestrator } from './doctor.ts'
import {
  executionEvent,
  executionStats,
  getExecution,
  listExecutions,
  requestExecution,
  watchExecution,
} from './execution.ts'
import { executionHistory } from './execution-history.ts'
import { findId } from './find-id.ts'
import { deleteGoal, listGoals, pauseGoal, putGoal, resumeGoal } from './goal.ts'
import { deleteGrant, listGrants, putGrant } from './grant.ts'
import { logLevel } from './log-level.ts'
import { putManifest } from './manifest.ts'
import { readMetrics } from './metric-samples.ts'
import { embedTexts, estimateModels, listModelCalls, listModels, modelStats } from './model.ts'
import { listRoles } from './organization.ts'
import { listMessages, messageEvent, readInbox, recall, remember, sendMessage } from './organization-notes.ts'
import {
  acceptFeature,
  addBacklogItem,
  linkCriterion,
  listAllocations,
  listBacklog,
  listHolds,
  listMandates,
  listPermits,
  listStandards,
} from './organization-work.ts'
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
import { decomposeTask, explainPlan, heartbeatWorker, listTasks, reportTask } from './task.ts'
import {
  analyzeTemplates,
  getTemplate,
  listTemplates,
  recordTemplate,
  selectTemplate,
  templateHistory,
} from './template.ts'
import { listWorkers } from './worker.ts'
import { listWorkflows } from './workflow.ts'

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
  executionHistory,
  listApprovals,
  decideApproval,
  decideApprovals,
  putGrant,
  listGrants,
  deleteGrant,
  listWorkflows,
  putManifest,
  listTasks,
  listWorkers,
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
  listRefusals,
  recordRefusals,
  examineOrchestrator,
  examineExecutor,
  examineAgent,
  ...Object.values(logLevel),
  reportTask,
  heartbeatWorker,
  executionEvent,
  alert,
  listAlerts,
  silenceAlert,
  unsilenceAlert,
  readMetrics,
  workAct,
  workSolve,
  inspectAction,
  checkInputs,
  resolveNames,
  inspectUndo,
  listKinds,
  forgetActions,
  analyzeCodebase,
  searchCode,
  observeProvided,
  executeProvided,
  compensateProvided,
  selectTemplate,
  getTemplate,
  recordTemplate,
  listTemplates,
  templateHistory,
  analyzeTemplates,
  decomposeTask,
  explainPlan,
  explainTask,
  processTask,
  learnSentence,
  unlearnSentence,
  listRules,
  testRules,
  listLearned,
  forgetLearned,
  exportLearned,
  listModels,
  modelStats,
  listModelCalls,
  estimateModels,
  embedTexts,
  getCache,
  reserveCache,
  putCache,
  releaseCache,
  judgeCache,
  reportCache,
  invalidateCache,
  listCache,
  cacheStats,
  linkConsole,
  signOutOfConsole,
  proposeDecision,
  castVote,
  escalateDecision,
  getDecision,
  listDecisions,
  decisionEvent,
  sendMessage,
  readInbox,
  listMessages,
  messageEvent,
  remember,
  recall,
  listRoles,
  listAllocations,
  listStandards,
  listPermits,
  listHolds,
  listMandates,
  addBacklogItem,
  listBacklog,
  linkCriterion,
  acceptFeature,
]

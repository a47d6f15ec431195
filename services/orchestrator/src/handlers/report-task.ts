import type { Handler } from '@deed/mesh/bus'
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { reportTask as contract, TaskReport } from '@deed/proto/task'
import type { Driver } from '../dispatch/drive.ts'
import type { Snapshot, TaskRow, Work } from '../execution/snapshot.ts'
import { refuseRequestAgainstGoals } from '../planning/contradictions.ts'
import { ModelTaskSpec, type Planning, planWork, replanTask } from '../planning/plan-work.ts'
import type { GoalsOf } from '../store/goals.ts'
import type { Database } from '../store/schema.ts'
import { addTotals } from '../store/totals.ts'
import { readByModel } from '../thinking/solve-node.ts'
import { taskNode } from '../thinking/task-node.ts'
import { requireWorker } from './require-worker.ts'

interface Dependencies {
  db: Database
  driver: Driver
  planning: Planning
  goals: GoalsOf
}

export function reportTask(dependencies: Dependencies): Handler<typeof contract> {
  const { db, driver } = dependencies
  return async (report, { principal }) => {
    const { execution_id: id } = report
    requireWorker(principal, report.intent === 'solve' ? 'solve' : 'act')
    if (report.repeated) await addTotals(db, [{ name: 'deed_duplicate_effects_total', labels: {} }])
    if (report.intent === 'solve' && report.outcome === 'done') {
      const solved = await planSolution(dependencies, report)
      const result = report.result ?? { text: 'found a solution', data: report.solution as never }
      await driver.apply(id, { type: 'reported', report: { ...report, result }, ...solved })
    } else if (isSurprised(report) && (await replan(dependencies, report))) {
      return { recorded: true }
    } else {
      await driver.apply(id, { type: 'reported', report })
    }
    return { recorded: true }
  }
}

/** The target differs from what the plan expected, and nothing was done. */
const isSurprised = ({ intent, outcome, error, effect }: TaskReport): boolean =>
  intent === 'do' &&
  outcome === 'failed' &&
  (error?.code === 'precondition_failed' || error?.code === 'tool_changed') &&
  effect === 'none'

async function planSolution(
  { planning, driver, goals }: Dependencies,
  report: TaskReport,
): Promise<{ solved?: Work; refused?: ErrorBody }> {
  const snapshot = await driver.peek(report.execution_id)
  const task = taskOf(snapshot, report)
  if (!report.solution) {
    return { refused: { code: 'no_solution', message: 'the solver reported no solution', retryable: false } }
  }
  const { node: ofPlan, description } = ModelTaskSpec.parse(task.spec)
  const place = {
    position: snapshot.tasks.size,
    names: new Set([...snapshot.tasks.values()].map(({ name }) => name)),
    after: [...task.dependencies, task.task_id],
  }
  try {
    const solved = {
      node: taskNode(ofPlan),
      solution: report.solution,
      reading: readByModel(description, report.solution),
    }
    await refuseRequestAgainstGoals({ goals, planning }, snapshot.execution, [solved])
    return { solved: await planWork(planning, snapshot.execution, [solved], place) }
  } catch (error) {
    if (error instanceof DeedError && !error.retryable) return { refused: error.body }
    throw error
  }
}

/** @returns whether the task was planned again */
async function replan({ planning, driver }: Dependencies, report: TaskReport): Promise<boolean> {
  const snapshot = await driver.peek(report.execution_id)
  const task = taskOf(snapshot, report)
  if (task.desired_status !== 'done' || task.actual_status !== 'in_progress') return false
  const place = {
    position: snapshot.tasks.size,
    names: new Set([...snapshot.tasks.values()].map(({ name }) => name)),
    after: [],
  }
  const replanned = await replanTask(planning, snapshot.execution, task, place).catch((error: unknown) => {
    // It cannot be planned again, so the report is applied.
    if (error instanceof DeedError && !error.retryable) return undefined
    throw error
  })
  if (!replanned) return false
  await driver.apply(report.execution_id, {
    type: 'replanned',
    taskId: report.task_id,
    token: report.token,
    report,
    ...replanned,
  })
  return true
}

function taskOf(snapshot: Snapshot, { task_id: id, token }: TaskReport): TaskRow {
  const task = snapshot.tasks.get(id)
  if (!task) throw new DeedError('unknown_task', `task ${id} is not of this execution`)
  if (task.token !== token) {
    throw new DeedError('stale_token', `task ${id}: fencing token ${token} is no longer the newest`)
  }
  return task
}

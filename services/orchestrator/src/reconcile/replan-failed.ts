/**
 * Plans one failed task again: a model is asked for other actions in its place, and is told what went wrong, what is done
 * and what is still to come. What is done stays done; what waits for the task waits for the new actions.
 */
import { derivedUuid, hashJson } from '@deed/json/canonical-json'
import type { EarlierStep, FailedPlan } from '@deed/proto/agent'
import type { TaskId } from '@deed/proto/ids'
import { defined, type JsonObject } from '@deed/proto/json'
import { HUMAN_TASK } from '@deed/proto/person'
import { addTasks, type Draft, record, setActual, setDesired } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import { newTask } from '../execution/new-task.ts'
import { type ActRow, isAct, type TaskRow } from '../execution/snapshot.ts'

/** How often one execution is planned again without a person. */
const REPLANS_MAX = 3
const TITLE_CHARS_MAX = 512
const NAME_CHARS_MAX = 128
/** Of a large plan a model is told this many steps that are done, and as many that are to come. */
const STEPS_TOLD_MAX = 100
const ENDING = '-replanned'

/** Whether other actions could do it: an observation only says what is so, and a person's work is no action. */
export const isReplannable = (task: TaskRow): task is ActRow =>
  isAct(task) && task.spec.kind !== HUMAN_TASK && task.spec.checks === undefined && task.desired_status === 'done'

/** Whether it may be planned again without a person: it has changed nothing, and that was not tried too often. */
export const mayReplanAlone = (draft: Draft, task: TaskRow): task is ActRow =>
  isReplannable(task) &&
  task.effect === 'none' &&
  [...draft.tasks.values()].filter(({ name, task_kind }) => task_kind === 'solve' && name.includes(ENDING)).length <
    REPLANS_MAX

/** @param by who decided it; absent: the request says so */
export function replanFailed(draft: Draft, task: ActRow, by?: string): void {
  const { execution } = draft
  const names = new Set([...draft.tasks.values()].map(({ name }) => name))
  const wanted = task.name.slice(0, NAME_CHARS_MAX - ENDING.length - 4) + ENDING
  let name = wanted
  for (let number = 2; names.has(name); number++) name = `${wanted}-${number}`
  const part = draft.parts.find(({ tasks }) => tasks.includes(task.task_id))
  const words = part && draft.parts.length > 1 ? (part.words ?? part.title) : execution.request.task
  const title = part?.title ?? task.title
  const { language, context, complexity } = execution.request
  const spec = {
    description: words || task.title,
    ...(language === undefined ? {} : { language }),
    ...(complexity === undefined ? {} : { complexity }),
    ...(context === undefined ? {} : { context }),
    node: { id: name, title },
    failed_plan: failedPlan(draft, task, title),
  }
  const solve = newTask(execution, {
    task_id: derivedUuid(execution.execution_id, name) as TaskId,
    position: draft.tasks.size,
    name,
    title: `find another way to: ${title}`.slice(0, TITLE_CHARS_MAX).toWellFormed(),
    task_kind: 'solve',
    capability: 'solve',
    priority: task.priority,
    on_failure: task.on_failure,
    dependencies: task.dependencies,
    spec: spec as JsonObject,
    last_error: task.last_error,
    now: draft.now,
  })
  // Before the task is out of the way: what waits for it must not begin.
  for (const other of draft.tasks.values()) {
    if (other.actual_status === 'pending' && other.dependencies.includes(task.task_id))
      setDesired(draft, other, { dependencies: [...other.dependencies, solve.task_id] })
  }
  addTasks(draft, [solve])
  setActual(draft, task, { actual_status: 'skipped', finished_at: isoTime(draft.now), lease_expires_at: null })
  record(draft, 'task.skipped', { name: task.name, by: by ?? null, reason: `planned again: ${name}` }, task.task_id)
  record(draft, 'task.replanned', { name, about: task.name, error: task.last_error }, solve.task_id)
}

/** The part of the plan that the task belongs to, with what took the place of other tasks of it. */
function failedPlan({ tasks, parts }: Draft, task: ActRow, title: string): FailedPlan {
  const ids = new Set(parts.filter((part) => part.title === title).flatMap((part) => part.tasks))
  const others = [...tasks.values()].filter(isAct).filter((one) => ids.has(one.task_id) && one !== task)
  const wanted = others.filter(({ desired_status }) => desired_status === 'done')
  const isOpen = ({ actual_status: status }: TaskRow) => status === 'pending' || status === 'in_progress'
  const stepsOf = (rows: readonly ActRow[]) => rows.slice(0, STEPS_TOLD_MAX).map(stepOf)
  return {
    failed: stepOf(task),
    done: stepsOf(wanted.filter(({ actual_status: status }) => status === 'done')),
    to_come: stepsOf(wanted.filter(isOpen)),
  }
}

const stepOf = ({ title, spec: { kind, input } }: ActRow): EarlierStep => ({
  ...{ title, kind, hash: hashJson({ kind, input }) },
  ...defined({ target: typeof input.target === 'string' ? input.target : undefined }),
})

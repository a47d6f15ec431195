/**
 * Plans one failed task again: a model is asked for other actions, and is told what went wrong. What is done stays done;
 * what waits for the task waits for the new actions.
 */
import { derivedUuid } from '@deed/json/canonical-json'
import type { TaskId } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import { HUMAN_TASK } from '@deed/proto/person'
import { addTasks, type Draft, record, setActual, setDesired } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import { newTask } from '../execution/new-task.ts'
import { isAct, type TaskRow } from '../execution/snapshot.ts'

/** How often one execution is planned again without a person. */
const REPLANS_MAX = 3
const TITLE_CHARS_MAX = 512
const NAME_CHARS_MAX = 128
const ENDING = '-replanned'

/** Whether other actions could do it: an observation only says what is so, and a person's work is no action. */
export const isReplannable = (task: TaskRow): boolean =>
  isAct(task) && task.spec.kind !== HUMAN_TASK && task.spec.checks === undefined && task.desired_status === 'done'

/** Whether it may be planned again without a person: it has changed nothing, and that was not tried too often. */
export const mayReplanAlone = (draft: Draft, task: TaskRow): boolean =>
  isReplannable(task) &&
  task.effect === 'none' &&
  [...draft.tasks.values()].filter(({ name, task_kind }) => task_kind === 'solve' && name.includes(ENDING)).length <
    REPLANS_MAX

/** @param by who decided it; absent: the request says so */
export function replanFailed(draft: Draft, task: TaskRow, by?: string): void {
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

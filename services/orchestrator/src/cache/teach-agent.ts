/**
 * What an ended execution teaches about words: a sentence whose reading a person chose or a model planned is learned
 * once the execution is verified, and forgotten if it fails, is denied or is undone.
 */
import { type AgentTask, Solution } from '@deed/proto/agent'
import type { learnSentence } from '@deed/proto/rules'
import type { z } from 'zod'
import { Chosen, choiceOf } from '../execution/person-task.ts'
import { isAct, isSolve, type Snapshot, type TaskRow } from '../execution/snapshot.ts'

export type Lesson = Omit<z.input<typeof learnSentence.input>, 'execution_id'>

/** Of a verified execution. Only words that the requester wrote are learned, not those that a planner derived. */
export function lessonsOf({ execution, tasks }: Pick<Snapshot, 'execution' | 'tasks'>): Lesson[] {
  // The parts of a plan that failed and was replaced are not what its words mean.
  if ([...tasks.values()].some((task) => isSolve(task) && task.spec.failed_plan)) return []
  const lessons = [...tasks.values()].flatMap((task) => chosenLesson(task, tasks) ?? plannedLesson(task) ?? [])
  return lessons.filter(({ task }) => execution.request.task.includes(task.description))
}

function chosenLesson(task: TaskRow, tasks: Snapshot['tasks']): Lesson | undefined {
  const choice = choiceOf(task)
  const { solution } = (choice && Chosen.safeParse(task.result?.data).data) ?? {}
  if (!choice || !solution) return undefined
  // After several questions the answer still is what the first words mean.
  const first = [...tasks.values()].map(choiceOf).find((one) => one?.node === choice.node && one.round === 1)
  return { task: (first ?? choice).ask, source: 'choice', solution }
}

function plannedLesson(task: TaskRow): Lesson | undefined {
  if (!isSolve(task)) return undefined
  const { data: solution } = Solution.safeParse(task.result?.data)
  return solution && { task: task.spec, source: 'model', solution }
}

const WRONG: ReadonlySet<TaskRow['actual_status']> = new Set(['failed', 'undone'])

/** Whether the plan of a request with similar words held; undefined if none was used, or it was cancelled. */
export function heldAsBefore({ execution, tasks }: Pick<Snapshot, 'execution' | 'tasks'>): boolean | undefined {
  const recalled = [...tasks.values()].filter((task) => isAct(task) && task.spec.reading?.by === 'recalled')
  if (recalled.length === 0) return undefined
  if (execution.status === 'done') return execution.task_verified ? true : undefined
  const wrong = execution.status === 'denied' || recalled.some(({ actual_status }) => WRONG.has(actual_status))
  return wrong ? false : undefined
}

/** The words of an execution that ended otherwise, whose reading has not held. */
export function disprovenWords({ execution, tasks }: Pick<Snapshot, 'execution' | 'tasks'>): AgentTask[] {
  const words = new Set<string>()
  for (const task of tasks.values()) {
    const wrong = execution.status === 'denied' || WRONG.has(task.actual_status)
    if (isAct(task) && task.spec.reading && wrong) words.add(task.spec.reading.of)
  }
  const asked = [...tasks.values()].flatMap((task) => choiceOf(task)?.ask.description ?? [])
  if (words.size > 0) for (const description of asked) words.add(description)
  return [...words].map((description) => ({ description }))
}

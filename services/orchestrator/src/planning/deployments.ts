/** What an action deploys, and whether the plan that it is in decides about that first. */
import type { Action } from '@deed/proto/action'
import { DECISION_TASK, DecisionTaskInput } from '@deed/proto/decision-task'
import { factsOf } from '@deed/proto/kinds'
import type { TaskRow } from '../execution/snapshot.ts'
import { comesAfter } from './comes-after.ts'

/** What a decision may call the release that the action deploys. @returns undefined if its input names none */
export function releasesOf({ kind, input }: Action): string[] | undefined {
  const field = factsOf(kind)?.release
  const image = field === undefined ? undefined : input[field]
  if (typeof image !== 'string') return undefined
  const [name = '', digest] = image.split('@', 2)
  // What comes before the last slash may have a port.
  const tag = /:([^:/]+)$/.exec(name)?.[1]
  return [image, tag, digest].filter((one) => one !== undefined)
}

/** Whether the plan itself has the decision before the task, which does not begin without its approval. */
export function isDecidedBefore(
  { environment, releases }: { environment: string; releases: readonly string[] | undefined },
  task: TaskRow,
  plan: readonly { readonly task: TaskRow; readonly action: Action }[],
): boolean {
  const tasks = new Map(plan.map((one) => [one.task.task_id, one.task]))
  return plan.some(({ task: other, action: { kind, input } }) => {
    if (kind !== DECISION_TASK || !comesAfter(task, other.task_id, tasks)) return false
    const { type, subject } = DecisionTaskInput.parse(input)
    const isOfRelease = releases === undefined || releases.includes(subject.name)
    return type === 'deployment' && isOfRelease && subject.environments?.includes(environment) === true
  })
}

/** A node of a plan that nobody has estimated: its actions say more than its words. */
import type { GoalNode } from '@deed/proto/task'

const TITLE_CHARS_MAX = 512

type Given = Pick<GoalNode, 'id' | 'title'> & Partial<GoalNode>

export const taskNode = ({ title, ...given }: Given): GoalNode => ({
  kind: 'task',
  title: titled(title),
  description: title,
  depends_on: [],
  acceptance_criteria: [],
  estimated_ms: 0,
  estimated_cost_usd: 0,
  capability: 'act',
  risk: 'low',
  ...given,
})

/** Cut to what a title may have. */
export const titled = (text: string): string => text.slice(0, TITLE_CHARS_MAX).toWellFormed()

/** What waits for people, in one list: the highest level first, and of each the oldest. Pure. */
import type { Output } from '../../app/contracts.ts'

type Found = Pick<Output<'approval.list'>, 'approvals' | 'tasks'>
export type Approval = Found['approvals'][number]
export type PersonTask = Found['tasks'][number]

export const KINDS = ['approve', 'review', 'choose', 'provide'] as const
export type Kind = (typeof KINDS)[number]

export const KIND_WORDS: Readonly<Record<Kind, { one: string; sign: string }>> = {
  approve: { one: 'approval', sign: '✓' },
  review: { one: 'review', sign: '!' },
  choose: { one: 'question', sign: '?' },
  provide: { one: 'task', sign: '✎' },
}

export interface Item {
  readonly id: string
  readonly kind: Kind
  /** Of an approval, or of the task that a review is about; null: it has none. */
  readonly level: number | null
  /** What is asked, in a line. */
  readonly title: string
  /** The words of the request. */
  readonly task: string
  readonly by: string
  readonly askedAt: string
  readonly expiresAt: string | null
  /** Of an approval. */
  readonly approval: Approval | undefined
}

export function itemsOf({ approvals, tasks }: Found): Item[] {
  return [...approvals.map(approvalItem), ...tasks.map(taskItem)].sort(
    (a, b) => (b.level ?? 0) - (a.level ?? 0) || a.askedAt.localeCompare(b.askedAt),
  )
}

function approvalItem(approval: Approval): Item {
  const { approval_id: id, level, actions, omitted, task } = approval
  const first = actions[0]
  const others = actions.length - 1 + (omitted?.actions ?? 0)
  const title = first === undefined ? task : first.summary || first.title
  return {
    id,
    kind: 'approve',
    level,
    title: others > 0 ? `${title}, and ${others} more` : title,
    task,
    by: approval.requested_by,
    askedAt: approval.asked_at,
    expiresAt: approval.expires_at,
    approval,
  }
}

const taskItem = (task: PersonTask): Item => ({
  id: task.approval_id,
  kind: task.kind,
  level: task.about?.level ?? null,
  title: task.question?.text ?? task.title,
  task: task.task,
  by: task.requested_by,
  askedAt: task.asked_at,
  expiresAt: task.expires_at,
  approval: undefined,
})

/** As many as one request decides. */
const TOGETHER_MAX = 500
/** From this level on, who approves types the beginning of the plan's hash: `TYPED_FROM_LEVEL` of the contract. */
export const TYPED_FROM_LEVEL = 2
/** `TYPED_CHARS` of the contract. */
export const TYPED_CHARS = 6

export interface Batch {
  readonly can: readonly { id: string; title: string; planHash: string }[]
  readonly cannot: readonly { id: string; title: string; why: string }[]
}

/** What of the selected ones is decided together, and what is not, and why. @param now milliseconds since 1970 */
export function batchOf(items: readonly Item[], now: number): Batch {
  const can: { id: string; title: string; planHash: string }[] = []
  const cannot: { id: string; title: string; why: string }[] = []
  for (const { id, kind, title, level, approval, expiresAt } of items) {
    const why =
      approval === undefined
        ? `a ${KIND_WORDS[kind].one} is answered by itself`
        : (level ?? 0) >= TYPED_FROM_LEVEL
          ? `level ${level} is decided by itself: its hash is typed`
          : expiresAt !== null && Date.parse(expiresAt) <= now
            ? 'it has expired'
            : can.length >= TOGETHER_MAX
              ? `at most ${TOGETHER_MAX} are decided at once`
              : undefined
    if (why !== undefined || approval === undefined) cannot.push({ id, title, why: why ?? '' })
    else can.push({ id, title, planHash: approval.plan_hash })
  }
  return { can, cannot }
}

/** Those before and after one in the list. */
export function neighbours(
  items: readonly Item[],
  id: string,
): { before: string | undefined; after: string | undefined } {
  const index = items.findIndex((item) => item.id === id)
  // One that is decided is in the list no longer: the first one is next.
  return index < 0
    ? { before: undefined, after: items[0]?.id }
    : { before: items[index - 1]?.id, after: items[index + 1]?.id }
}

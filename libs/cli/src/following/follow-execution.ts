/**
 * Watching an execution to its end: by its events, which come at once, and by looking, since an event that nobody
 * heard does not come again.
 */
import type { Bus } from '@deed/mesh/bus'
import { readPayload } from '@deed/mesh/read-payload'
import { type ApprovalView, listApprovals } from '@deed/proto/approval'
import { DeedError } from '@deed/proto/errors'
import { type ExecutionDetail, executionEvent, getExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import type { PersonTask } from '@deed/proto/person'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import type { z } from 'zod'

/** Before the first read, in milliseconds: most executions have ended by then. */
const CHECK_AFTER_MS = 50
const CHECK_AGAIN_MS_MAX = 2_000

export type ExecutionEvent = z.output<typeof executionEvent.payload>

export interface Watcher {
  /** When there is no more to wait for; absent: once it has ended. */
  isEnd?(detail: ExecutionDetail): boolean
  onEvent?(event: ExecutionEvent): void
  /** Called once for each approval; `decided` aborts when it is pending no longer. */
  onApproval?(approval: ApprovalView, decided: AbortSignal): Promise<unknown>
  /** The same for each question about the words of the task. */
  onQuestion?(question: PersonTask, decided: AbortSignal): Promise<unknown>
}

/**
 * @param which an execution that may not be there yet
 * @returns the execution when it has ended; as it was seen last when `signal` aborts, `undefined` if it never was
 * @throws what a watcher throws
 */
export async function followExecution(
  bus: Bus,
  which: z.input<typeof getExecution.input>,
  { isEnd = isFinal, onEvent, onApproval, onQuestion }: Watcher,
  signal: AbortSignal,
): Promise<ExecutionDetail | undefined> {
  const shown = new Map<string, AbortController>()
  const asking: Promise<unknown>[] = []
  let failed: { error: unknown } | undefined
  let last: ExecutionDetail | undefined
  let wake: (() => void) | undefined
  let news = false
  await using opened = new AsyncDisposableStack()
  opened.defer(() => {
    for (const decided of shown.values()) decided.abort()
  })

  const subscribe = (id: ExecutionId): void => {
    const subscription = bus.nc.subscribe(executionEvent.subject.replace('*.*', `*.${id}`), {
      callback: (error, message) => {
        if (error) return
        const event = readPayload(executionEvent, error, message)
        if (event) onEvent?.(event)
        news = true
        wake?.()
      },
    })
    opened.defer(() => subscription.unsubscribe())
  }
  const rest = async (ms: number): Promise<void> => {
    if (news || signal.aborted || failed) return
    const stop = new AbortController()
    await new Promise<void>((resolve) => {
      wake = resolve
      setTimeout(resolve, ms).unref()
      signal.addEventListener('abort', () => resolve(), { signal: stop.signal })
    })
    stop.abort()
  }
  const showApprovals = async (id: ExecutionId): Promise<void> => {
    if (!onApproval && !onQuestion) return
    const { approvals, tasks } = await bus.call(listApprovals, { execution_id: id, status: 'pending' }, { signal })
    const questions = tasks.filter(({ kind }) => kind === 'choose')
    const pending = new Set<string>([...approvals, ...questions].map(({ approval_id: approval }) => approval))
    for (const [approval, decided] of shown) if (!pending.has(approval)) decided.abort()
    const show = <One extends { approval_id: string }>(one: One, on: Asks<One> | undefined): void => {
      if (!on || shown.has(one.approval_id)) return
      const decided = new AbortController()
      shown.set(one.approval_id, decided)
      asking.push(
        on(one, decided.signal).catch((error: unknown) => {
          failed ??= { error }
          wake?.()
        }),
      )
    }
    for (const approval of approvals) show(approval, onApproval)
    // In the order of the plan, and one at a time, since a terminal takes one answer at a time.
    const [question] = questions.reverse()
    if (question) show(question, onQuestion)
  }

  await rest(CHECK_AFTER_MS)
  for (let waitMs = CHECK_AFTER_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, CHECK_AGAIN_MS_MAX)) {
    if (failed) throw failed.error
    news = false
    const found = await follow(bus, which, signal)
    if (found) {
      if (!last) {
        subscribe(found.execution_id)
        // Once more: what happened between the read and the subscription has no event here.
        news = true
      }
      last = found
      if (isEnd(found)) break
      if (found.approval_id !== undefined || shown.size > 0) await showApprovals(found.execution_id)
    }
    await rest(waitMs)
  }
  for (const decided of shown.values()) decided.abort()
  await Promise.all(asking)
  if (failed) throw failed.error
  return last
}

type Asks<One> = (one: One, decided: AbortSignal) => Promise<unknown>

const isFinal = ({ status }: ExecutionDetail): boolean => FINAL_EXECUTION_STATUSES.has(status as never)

/** @returns `undefined` while it is not there, or nobody can be asked */
async function follow(
  bus: Bus,
  which: z.input<typeof getExecution.input>,
  signal: AbortSignal,
): Promise<ExecutionDetail | undefined> {
  try {
    return await bus.call(getExecution, which, { signal })
  } catch (error) {
    if (error instanceof DeedError && (error.code === 'not_found' || error.code === 'cancelled' || error.retryable)) {
      return undefined
    }
    throw error
  }
}

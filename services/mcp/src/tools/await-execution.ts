/** Waiting for an execution to end or to hold still, within a bound. */
import type { Bus } from '@deed/mesh/bus'
import { type ExecutionDetail, executionEvent, getExecution } from '@deed/proto/execution'
import type { Call } from '../serving/tool.ts'
import { isAtRest } from './execution-view.ts'

/** Clients cancel calls after a minute at most, some sooner. */
export const WAIT_SECONDS_MAX = 25
/** An event that nobody heard does not come again. */
const CHECK_MS_MAX = 2_000
const CHECK_MS = 50

/**
 * @param which an execution, by its id or its key
 * @param seconds 0: reads once
 * @throws {DeedError} as `execution.get`; nothing of the execution ends when the caller stops waiting
 */
export async function awaitExecution(
  bus: Bus,
  which: Parameters<typeof bus.call<typeof getExecution>>[1],
  seconds: number,
  { agent, context }: Pick<Call, 'agent' | 'context'>,
): Promise<ExecutionDetail> {
  const { signal, _meta: meta, notify } = context.mcpReq
  const token = meta?.progressToken
  const deadline = performance.now() + seconds * 1_000
  let wake: (() => void) | undefined
  let percent = -1
  const read = (): Promise<ExecutionDetail> => bus.call(getExecution, which, { principal: agent, signal })
  let detail = await read()
  if (isAtRest(detail) || seconds === 0) return detail
  const subject = executionEvent.subject.replace('*.*', `${agent.tenant}.${detail.execution_id}`)
  const events = bus.nc.subscribe(subject, { callback: () => wake?.() })
  try {
    for (let ms = CHECK_MS; ; ms = Math.min(2 * ms, CHECK_MS_MAX)) {
      detail = await read()
      const left = deadline - performance.now()
      if (isAtRest(detail) || left <= 0) return detail
      const now = percentOf(detail)
      if (token !== undefined && now > percent) {
        percent = now
        await notify({
          method: 'notifications/progress',
          params: { progressToken: token, progress: now, total: 100, message: detail.status },
        })
      }
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, Math.min(ms, left))
        const give = (): void => reject(signal.reason)
        wake = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', give)
          resolve()
        }
        signal.addEventListener('abort', give, { once: true })
      })
    }
  } finally {
    events.unsubscribe()
  }
}

const percentOf = ({ tasks }: ExecutionDetail): number =>
  tasks.length === 0
    ? 0
    : Math.floor((100 * tasks.filter((task) => task.actual_status === 'done').length) / tasks.length)

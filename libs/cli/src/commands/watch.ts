/** deed watch: what happens, as it happens, and what was missed while nobody could hear it. */
import type { Bus } from '@deed/mesh/bus'
import { readPayload } from '@deed/mesh/read-payload'
import { DeedError } from '@deed/proto/errors'
import { executionEvent, getExecution, watchExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { type ExecutionStatus, FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import type { ExecutionEvent } from '../following/follow-execution.ts'
import { EXIT, exitCodeOfReply, UnreachableError } from '../terminal/exit-code.ts'
import { idText, wholeId } from '../terminal/find-id.ts'
import type { Output } from '../terminal/output.ts'
import { paintStatus } from '../terminal/paint.ts'
import { plainLine } from '../terminal/plain-text.ts'
import { shownId } from '../terminal/terminal.ts'

/** An event that nobody heard does not come again, so the numbers are compared now and then. */
const COMPARE_MS = 2_000
/** Without an answer for so long, the mesh is taken for gone: nobody should have to end what can show nothing more. */
const GONE_MS = 120_000

export function addWatch(program: Command): void {
  program
    .command('watch')
    .argument('[execution]', 'its id, or the end of it; all of them without it', idText)
    .summary('follow an execution to its end, or all of them')
    .description('Follow an execution to its end, or all of them: how far each is, and every\ntransition.')
    .addHelpText(
      'after',
      `
Examples:
  deed watch 5f6a7b8c
  deed watch --json

With --json each event is a line.

Exit code, of one execution: 0 done and verified; 1 ended otherwise. 3: the mesh
has not answered for two minutes.`,
    )
    .action(async (execution: string | undefined, _options: object, command: Command) => {
      const shell = shellOf(command)
      await withMesh(
        shell,
        async (bus) => {
          const id = execution === undefined ? undefined : await wholeId<ExecutionId>(bus, ['execution'], execution)
          const status = await follow(shell.out, bus, id)
          const done = status === 'done' && id !== undefined
          process.exitCode = done ? exitCodeOfReply(await bus.call(getExecution, { execution_id: id })) : EXIT.failed
        },
        'watching',
      )
    })
}

/**
 * Resolves with the end of the one execution; of all, never.
 *
 * @throws {UnreachableError} when the mesh has not answered for `goneMs`
 */
export async function follow(
  out: Output,
  bus: Bus,
  id: ExecutionId | undefined,
  goneMs = GONE_MS,
): Promise<ExecutionStatus> {
  let answeredAt = performance.now()
  /** The number of the last event shown, by execution. */
  const shown = new Map<string, number>()
  /** Executions whose task was named. */
  const named = new Set<string>()
  const late = new Set<ExecutionId>()
  let wake: (() => void) | undefined
  let end: ExecutionStatus | undefined
  let since = new Date().toISOString()

  const show = (event: ExecutionEvent): void => {
    if (!named.has(event.execution_id)) {
      named.add(event.execution_id)
      out.print(
        out.paint('bold', `${shownId(event.execution_id, out.width)}  ${plainLine(event.task, out.width - 10)}`),
      )
    }
    shown.set(event.execution_id, event.seq)
    print(out, event)
    if (id === undefined || event.type !== 'execution.ended') return
    end = event.status
    wake?.()
  }
  const subscription = bus.nc.subscribe(executionEvent.subject.replace('*.*', `*.${id ?? '*'}`), {
    callback: (error, message) => {
      const event = readPayload(executionEvent, error, message)
      if (!event) return
      const last = shown.get(event.execution_id) ?? (id === undefined && event.seq === 1 ? 0 : undefined)
      if (last !== undefined && event.seq === last + 1) return show(event)
      // Something in between was missed: all behind the last is read back, in order.
      if (last === undefined || event.seq > last) {
        late.add(event.execution_id)
        wake?.()
      }
    },
  })
  const readBack = async (one: ExecutionId): Promise<void> => {
    const { executions, events } = await bus.call(watchExecution, { execution_id: one, after: shown.get(one) ?? 0 })
    const [execution] = executions
    if (!execution) return
    const { status, percent, current, task, last_seq: last } = execution
    for (const row of events) {
      if (row.seq === (shown.get(one) ?? 0) + 1) show({ ...row, status, percent, current, task })
    }
    if (one === id && FINAL_EXECUTION_STATUSES.has(status) && (shown.get(one) ?? 0) >= last) end = status
  }
  try {
    for (let first = true; end === undefined; first = false) {
      const wanted = [...late]
      late.clear()
      if (id !== undefined) wanted.push(id)
      try {
        if (id === undefined) {
          const asked = new Date(Date.now() - COMPARE_MS).toISOString()
          const { executions } = await bus.call(watchExecution, { since })
          since = asked
          for (const { execution_id: one, last_seq: last } of executions) {
            // What happened before the command began is not news; what an event has shown already is followed from there.
            if (first && !shown.has(one)) shown.set(one, last)
            else if ((shown.get(one) ?? 0) < last) wanted.push(one)
          }
        }
        for (const one of new Set(wanted)) await readBack(one)
        answeredAt = performance.now()
      } catch (error) {
        // Nobody is there for now; what happens meanwhile is read back afterwards.
        if (first || !(error instanceof DeedError) || !error.retryable) throw error
        if (performance.now() - answeredAt > goneMs)
          throw new UnreachableError(`the mesh has not answered for ${goneMs / 1_000} s`, { cause: error })
        for (const one of wanted) late.add(one)
      }
      if (end !== undefined) break
      await new Promise<void>((resolve) => {
        wake = resolve
        setTimeout(resolve, COMPARE_MS)
      })
    }
    return end
  } finally {
    subscription.unsubscribe()
  }
}

function print(out: Output, event: ExecutionEvent): void {
  out.document(event)
  const { at, execution_id: id, percent, status, type, current } = event
  // A terminal is looked at now, so the time of day is enough there.
  const time = Number.isFinite(out.width) ? at.slice(11, 19) : at
  const place = `${time}  ${shownId(id, out.width)}  ${String(percent).padStart(3)} %  `
  const facts = `${type}${current === null ? '' : `  ${plainLine(current)}`}`
  const room = out.width - place.length - status.length - 2
  out.print(`${place}${paintStatus(out.paint, status)}  ${plainLine(facts, room)}`)
}

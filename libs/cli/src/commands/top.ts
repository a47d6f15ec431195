/** deed top: what the mesh is at, live. */
import { once } from 'node:events'
import type { Bus } from '@deed/mesh/bus'
import { listApprovals } from '@deed/proto/approval'
import { DeedError } from '@deed/proto/errors'
import { executionStats, listExecutions } from '@deed/proto/execution'
import { readMetrics } from '@deed/proto/metric-samples'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { oldestApproval } from '../show/samples.ts'
import { type Reading, topDocument, topScreen } from '../show/top.ts'
import { openFullScreen } from '../terminal/full-screen.ts'

const EVERY_MS = 1_000
const MINUTE_MS = 60_000
/** With these, a screen of 24 lines has all. */
const APPROVALS_MAX = 4
const FAILURES_MAX = 6

export function addTop(program: Command): void {
  program
    .command('top')
    .summary('what the mesh is at, live')
    .description(
      'What the mesh is at: executions, workers, what waits for people, what failed.\nIt is drawn again every second; q leaves.',
    )
    .option('--once', 'print one screen and end; so do a pipe and --json')
    .addHelpText('after', '\nExamples:\n  deed top\n  deed top --once')
    .action(async ({ once: single = false }: { once?: boolean }, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const live = process.stdout.isTTY && !single && !out.json
      await withMesh(
        shell,
        async (bus) => {
          const first = await read(bus)
          if (live) return show(bus, first, (reading, width, fault) => topScreen(reading, width, out.paint, fault))
          out.document(topDocument(first))
          out.print(topScreen(first, out.width, out.paint).join('\n'))
        },
        live ? null : 'reading',
      )
    })
}

async function read(bus: Bus): Promise<Reading> {
  const since = new Date(Date.now() - MINUTE_MS).toISOString()
  const [{ at, samples }, stats, { executions: failures }] = await Promise.all([
    bus.call(readMetrics, {}),
    bus.call(executionStats, { since }),
    bus.call(listExecutions, { status: 'failed', limit: FAILURES_MAX }),
  ])
  // They come with their plans, so they are asked for only where there are some.
  const { approvals } =
    oldestApproval(samples) > 0
      ? await bus.call(listApprovals, { kind: 'approve', status: 'pending', limit: APPROVALS_MAX })
      : { approvals: [] }
  return { at, samples, stats, approvals, failures }
}

/** Until it is left. A mesh that is away for a while is shown as it was. */
async function show(
  bus: Bus,
  first: Reading,
  linesOf: (reading: Reading, width: number, fault?: string) => string[],
): Promise<void> {
  let reading = first
  let fault: string | undefined
  using screen = openFullScreen(() => draw())
  const draw = (): void => screen.draw(linesOf(reading, screen.width, fault))
  const left = once(screen.left, 'abort')
  while (!screen.left.aborted) {
    draw()
    await Promise.race([left, new Promise((resolve) => setTimeout(resolve, EVERY_MS))])
    if (screen.left.aborted) break
    const next = read(bus).then(
      (found) => {
        reading = found
        fault = undefined
      },
      (error: unknown) => {
        if (!(error instanceof DeedError) || !error.retryable) throw error
        fault = error.message
      },
    )
    await Promise.race([left, next])
  }
}

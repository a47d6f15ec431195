/** deed trace: where the time of an execution went, from the spans that the services have in memory. */
import { counted } from '@deed/config/counted'
import type { Bus } from '@deed/mesh/bus'
import { gatherTrace } from '@deed/mesh/traces'
import { DeedError } from '@deed/proto/errors'
import { getExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { TraceId } from '@deed/proto/trace'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { isStatement, type ServedTraceSpan, spanTree } from '../show/span-tree.ts'
import { duration } from '../terminal/amounts.ts'
import { idText, wholeId } from '../terminal/find-id.ts'

/** Of a line where no terminal says how wide it is. */
const WIDTH = 80

export function addTrace(program: Command): void {
  program
    .command('trace')
    .argument('<id>', 'of an execution, or the end of it; or of a trace', traceOrExecution)
    .summary('where the time of an execution went')
    .description('Show the trace of an execution: what each service did, and when. No collector is needed.')
    .option('-v, --verbose', 'with the statements of databases, claims, observations, links')
    .addHelpText('after', '\nExamples:\n  deed trace 5f6a7b8c\n  JAEGER_URL=http://127.0.0.1:16686 deed trace 5f6a7b8c')
    .action(async (id: string, { verbose = false }: { verbose?: boolean }, command: Command) => {
      const shell = shellOf(command)
      const { out, env } = shell
      const found = await withMesh(shell, (bus) => traceFor(bus, id))
      const { traceId, executionId, spans, omitted } = found
      const url = env.JAEGER_URL ? `${env.JAEGER_URL.replace(/\/+$/, '')}/trace/${traceId}` : undefined
      out.document({ trace_id: traceId, execution_id: executionId ?? null, url: url ?? null, spans, omitted })
      const start = Math.min(...spans.map(({ start_ms: at }) => at))
      const end = Math.max(...spans.map(({ start_ms: at, duration_ms: ms }) => at + ms))
      const services = counted(new Set(spans.map(({ service }) => service)).size, 'service')
      out.print(out.paint('bold', `trace ${traceId}`))
      out.print(`${duration(end - start)}, ${counted(spans.length, 'span')}, ${services}`)
      const width = Number.isFinite(out.width) ? out.width : WIDTH
      out.print(`\n${spanTree(spans, { paint: out.paint, width, verbose })}`)
      const hidden = verbose ? 0 : spans.filter(isStatement).length
      if (hidden > 0) out.note(`and ${counted(hidden, 'statement')} of databases: --verbose`)
      if (omitted > 0) out.note(`and ${counted(omitted, 'span')} that are no longer in memory`)
      if (url !== undefined) out.print(`\n${url}`)
    })
}

const traceOrExecution = (text: string): string => (TraceId.safeParse(text).success ? text : idText(text))

interface Found {
  traceId: string
  executionId: ExecutionId | undefined
  spans: ServedTraceSpan[]
  omitted: number
}

/** @throws {DeedError} `not_found` */
async function traceFor(bus: Bus, id: string): Promise<Found> {
  let traceId = id
  let executionId: ExecutionId | undefined
  if (!TraceId.safeParse(id).success) {
    executionId = await wholeId<ExecutionId>(bus, ['execution'], id)
    traceId = (await bus.call(getExecution, { execution_id: executionId })).trace_id
  }
  const answers = await gatherTrace(bus.nc, traceId)
  const spans = answers.flatMap(({ service, spans: own }) => own.map((span) => ({ ...span, service })))
  if (spans.length > 0) {
    return { traceId, executionId, spans, omitted: answers.reduce((sum, { omitted }) => sum + omitted, 0) }
  }
  throw new DeedError(
    'not_found',
    `no service has trace ${traceId} in memory any longer; the timeline stays: deed show ${executionId ?? '<execution>'} -v`,
  )
}

/** Traces across processes: each answers with the spans that it has, and exports what another one found remarkable. */
import { decodeJson } from '@deed/json/decode'
import { jsonText } from '@deed/json/json-text'
import { GET_TRACE, KEEP_TRACE, TraceAnswer, TraceQuery } from '@deed/proto/trace'
import { keepTrace, recorder, spansOf } from '@deed/telemetry/span'
import { type SpanData, spanData } from '@deed/telemetry/span-data'
import { isSampled, type Trace, traceIdOf } from '@deed/telemetry/trace-context'
import { type Msg, type NatsConnection, RequestStrategy } from 'nats'
import type { Outbox } from './outbox.ts'

/** How long an asker waits in all, and for one more answer after the last, in milliseconds. */
const GATHER_MS = 2_000
const PAUSE_MS = 300

/** Answers for this process until the connection is drained. */
export function serveTraces(nc: NatsConnection, service: string, outbox: Outbox): void {
  const on = (subject: string, take: (msg: Msg, traceId: string) => void): void => {
    const callback = (error: Error | null, msg: Msg): void => {
      const query = error === null ? queryOf(msg) : undefined
      if (query !== undefined) take(msg, query)
    }
    nc.subscribe(subject, { callback })
  }
  on(GET_TRACE, (msg, traceId) => {
    if (msg.reply) outbox.send(msg.reply, answerOf(service, traceId, nc.info?.max_payload ?? PAYLOAD_BYTES))
  })
  on(KEEP_TRACE, (_, traceId) => keepTrace(traceId))
}

/** Has all processes export a trace that was not sampled. No-op without a collector. */
export function announceTraceToKeep(outbox: Outbox, trace: Trace): void {
  if (recorder === undefined || !trace || isSampled(trace)) return
  const traceId = traceIdOf(trace)
  keepTrace(traceId)
  outbox.send(KEEP_TRACE, jsonText({ trace_id: traceId }))
}

/** What the processes of a mesh have of a trace. */
export async function gatherTrace(nc: NatsConnection, traceId: string): Promise<TraceAnswer[]> {
  const answers: TraceAnswer[] = []
  const asked = jsonText({ trace_id: traceId })
  const options = { maxWait: GATHER_MS, strategy: RequestStrategy.JitterTimer, jitter: PAUSE_MS }
  for await (const msg of await nc.requestMany(GET_TRACE, asked, options)) {
    if (!(msg instanceof Error) && msg.data.length > 0) answers.push(TraceAnswer.parse(msg.json()))
  }
  return answers
}

/** The server's default. */
const PAYLOAD_BYTES = 1024 * 1024

function queryOf(msg: Msg): string | undefined {
  try {
    return TraceQuery.safeParse(decodeJson(msg.data)).data?.trace_id
  } catch {
    return undefined
  }
}

/** As many spans, from the first, as fit into a message. */
function answerOf(service: string, traceId: string, bytesMax: number): string {
  const { spans: known, omitted } = spansOf(traceId)
  // A process that several services share answers for each.
  const spans = known.filter((span) => (span.service ?? service) === service)
  const data: SpanData[] = []
  let bytes = 1_000
  for (const span of spans) {
    const one = spanData(span)
    bytes += Buffer.byteLength(JSON.stringify(one)) + 1
    if (bytes > bytesMax) break
    data.push(one)
  }
  const answer: TraceAnswer = { service, spans: data, omitted: omitted + spans.length - data.length }
  return jsonText(answer)
}

/** An OpenTelemetry collector for tests: it receives spans over real HTTP and decodes the wire format. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'

export interface ReceivedSpan {
  service: string
  traceId: string
  spanId: string
  parentSpanId: string
  name: string
  kind: number
  status: number
  /** Every string in its attributes and its status. */
  strings: string[]
}

/** Receives OTLP over http/protobuf, and records the traceparent of requests to another path. */
export async function startCollector() {
  const exports: Buffer[] = []
  const pings: unknown[] = []
  const server = await startServer(async (request, response) => {
    if (request.url === '/ping') pings.push(request.headers.traceparent)
    const body = await buffer(request)
    if (request.url === '/v1/traces')
      exports.push(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body)
    response.end()
  })
  return {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: server.url, PING_URL: `${server.url}/ping` },
    pings,
    spans: () => exports.flatMap(decodeExport),
    received: () => Buffer.concat(exports).toString('latin1'),
    [Symbol.asyncDispose]: server[Symbol.asyncDispose],
  }
}

export async function startServer(listener: RequestListener) {
  const server = createServer(listener)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

/** Decodes an ExportTraceServiceRequest; the field numbers are those of opentelemetry-proto, `trace/v1/trace.proto`. */
function decodeExport(bytes: Buffer): ReceivedSpan[] {
  return messages(bytes, 1).flatMap((resourceSpans) => {
    const attributes = messages(resourceSpans, 1).flatMap((resource) => messages(resource, 1))
    const service = attributes.find((attribute) => text(attribute, 1) === 'service.name')
    return messages(resourceSpans, 2)
      .flatMap((scopeSpans) => messages(scopeSpans, 2))
      .map((span) => ({
        service: service ? stringsIn(service).join() : '',
        traceId: messages(span, 1)[0]!.toString('hex'),
        spanId: messages(span, 2)[0]!.toString('hex'),
        parentSpanId: messages(span, 4)[0]?.toString('hex') ?? '',
        name: text(span, 5),
        kind: number(span, 6),
        status: messages(span, 15).map((status) => number(status, 3))[0] ?? 0,
        strings: [...messages(span, 9).flatMap(stringsIn), ...messages(span, 15).map((status) => text(status, 2))],
      }))
  })
}

/** The strings in the value of a KeyValue, including those in an array. */
function stringsIn(keyValue: Buffer): string[] {
  return messages(keyValue, 2)
    .flatMap((value) => [
      ...messages(value, 1),
      ...messages(value, 5).flatMap((array) => messages(array, 1).flatMap((item) => messages(item, 1))),
    ])
    .map(String)
}

const text = (message: Buffer, field: number): string => String(messages(message, field)[0] ?? '')

const number = (message: Buffer, field: number): number =>
  (fields(message).find(([at]) => at === field)?.[1] as number) ?? 0

const messages = (message: Buffer, field: number): Buffer[] =>
  fields(message).flatMap(([at, value]) => (at === field && Buffer.isBuffer(value) ? [value] : []))

/** The fields of a message in the Protocol Buffers wire format. */
function fields(message: Buffer): [field: number, value: number | Buffer][] {
  let at = 0
  const varint = () => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  const take = (length: number) => {
    at += length
    return message.subarray(at - length, at)
  }
  const found: [number, number | Buffer][] = []
  while (at < message.length) {
    const tag = varint()
    const wireType = tag & 7
    const value = wireType === 0 ? varint() : take(wireType === 2 ? varint() : wireType === 1 ? 8 : 4)
    found.push([Math.floor(tag / 8), value])
  }
  return found
}

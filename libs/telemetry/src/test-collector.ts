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
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number
  /** 0 unset, 2 error. */
  status: number
  message: string
  /** In milliseconds since 1970. */
  startMs: number
  endMs: number
  attributes: Record<string, Attribute>
  events: { name: string; attributes: Record<string, Attribute> }[]
  links: { traceId: string; spanId: string; attributes: Record<string, Attribute> }[]
}

type Attribute = string | number | boolean | Attribute[]

/** Receives OTLP over http/protobuf. */
export async function startCollector() {
  const exports: Buffer[] = []
  const server = await startServer(async (request, response) => {
    const body = await buffer(request)
    if (request.url === '/v1/traces')
      exports.push(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body)
    response.end()
  })
  return {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: server.url },
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
    const [resource] = messages(resourceSpans, 1)
    const service = resource ? attributesIn(resource, 1)['service.name'] : undefined
    return messages(resourceSpans, 2)
      .flatMap((scopeSpans) => messages(scopeSpans, 2))
      .map((span) => ({
        service: String(service ?? ''),
        traceId: hex(span, 1),
        spanId: hex(span, 2),
        parentSpanId: hex(span, 4),
        name: text(span, 5),
        kind: number(span, 6),
        startMs: milliseconds(span, 7),
        endMs: milliseconds(span, 8),
        attributes: attributesIn(span, 9),
        events: messages(span, 11).map((event) => ({ name: text(event, 2), attributes: attributesIn(event, 3) })),
        links: messages(span, 13).map((link) => ({
          traceId: hex(link, 1),
          spanId: hex(link, 2),
          attributes: attributesIn(link, 4),
        })),
        status: messages(span, 15).map((status) => number(status, 3))[0] ?? 0,
        message: messages(span, 15).map((status) => text(status, 2))[0] ?? '',
      }))
  })
}

const attributesIn = (message: Buffer, field: number): Record<string, Attribute> =>
  Object.fromEntries(
    messages(message, field).flatMap((keyValue) =>
      messages(keyValue, 2).map((any) => [text(keyValue, 1), anyValue(any)]),
    ),
  )

/** An AnyValue. */
function anyValue(any: Buffer): Attribute {
  const [[field, value] = []] = fields(any)
  if (!Buffer.isBuffer(value)) return field === 2 ? value === 1 : (value ?? '')
  if (field === 4) return value.readDoubleLE()
  return field === 5 ? messages(value, 1).map(anyValue) : String(value)
}

const hex = (message: Buffer, field: number): string => messages(message, field)[0]?.toString('hex') ?? ''

const milliseconds = (message: Buffer, field: number): number =>
  Number(messages(message, field)[0]?.readBigUInt64LE() ?? 0) / 1e6

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

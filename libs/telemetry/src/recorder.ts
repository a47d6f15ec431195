/**
 * Records spans with the OpenTelemetry SDK and exports them as OTLP over http/protobuf.
 *
 * Loaded by the preload only, if tracing is configured.
 */
import {
  type Attributes,
  type AttributeValue,
  context,
  type Span as OtelSpan,
  SpanKind as OtelSpanKind,
  ROOT_CONTEXT,
  SamplingDecision,
  type SpanContext,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node'
import { register } from 'import-in-the-middle/register-hooks.mjs'
import { redact } from './redact.ts'
import { installRecorder, type Span, type SpanKind } from './span.ts'
import { formatTraceparent, parseTraceparent } from './trace-context.ts'

/**
 * Starts the SDK and connects `startSpan` to it.
 *
 * @throws if a variable names an unsupported sampler
 */
export function startRecorder(env: NodeJS.ProcessEnv): void {
  const ratio = samplingRatio(env)
  // The default detectors also report the command line and the user, which may be confidential.
  env.OTEL_NODE_RESOURCE_DETECTORS ??= 'env,serviceinstance'
  const sdk = new NodeSDK({
    sampler: followTheParent,
    traceExporter: redacting(new OTLPTraceExporter()),
    metricReaders: [],
    logRecordProcessors: [],
    // Instrumented libraries cost time on every call, recorded or not: with a low ratio, more than all other tracing.
    instrumentations:
      ratio < INSTRUMENTED_RATIO_MIN
        ? []
        : [
            new PgInstrumentation({ requireParentSpan: true, ignoreConnectSpans: true }),
            // Incoming work arrives on the bus, which creates its span; requests to a service's own HTTP pages need
            // none.
            new HttpInstrumentation({
              disableIncomingRequestInstrumentation: true,
              requireParentforOutgoingSpans: true,
            }),
          ],
  })
  sdk.start()
  // After the SDK is loaded, or its own few hundred modules would be hooked, too. pg is CommonJS and needs no hook.
  if (ratio >= INSTRUMENTED_RATIO_MIN) register({ include: ['http', 'https'] })

  const tracer = trace.getTracer('deed')
  installRecorder({
    ratio,
    start(name, parent, { kind = 'internal', attributes }) {
      const cause = parent === undefined ? undefined : remoteSpanContext(parent)
      const within = cause === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, cause)
      const options = { kind: KINDS[kind], attributes: { ...attributes } }
      return recorded(tracer.startSpan(name, options, within))
    },
    shutdown: () => sdk.shutdown(),
  })
}

/** The sampling ratio of new traces, by the standard variables; a trace with a parent follows the parent's flag. */
export function samplingRatio(env: NodeJS.ProcessEnv): number {
  const sampler = env.OTEL_TRACES_SAMPLER || 'parentbased_traceidratio'
  if (sampler === 'parentbased_always_on') return 1
  if (sampler === 'parentbased_always_off') return 0
  if (sampler !== 'parentbased_traceidratio') {
    throw new Error(
      `OTEL_TRACES_SAMPLER is ${sampler}; supported are parentbased_always_on, parentbased_always_off, parentbased_traceidratio`,
    )
  }
  const ratio = Number(env.OTEL_TRACES_SAMPLER_ARG || '1')
  if (ratio >= 0 && ratio <= 1) return ratio
  throw new Error(`OTEL_TRACES_SAMPLER_ARG is ${env.OTEL_TRACES_SAMPLER_ARG}; set it to a number from 0 to 1`)
}

/** Below this ratio libraries are not instrumented; the spans of services are still recorded. */
const INSTRUMENTED_RATIO_MIN = 0.1

type Sampler = NonNullable<NodeSDKConfiguration['sampler']>
type SpanExporter = NonNullable<NodeSDKConfiguration['traceExporter']>
type FinishedSpan = Parameters<SpanExporter['export']>[0][number]

// `startSpan` has already sampled the roots that arrive here, and instrumented libraries start none.
const followTheParent: Sampler = {
  shouldSample(within) {
    const parent = trace.getSpanContext(within)
    const wanted = parent === undefined || (parent.traceFlags & TraceFlags.SAMPLED) !== 0
    return { decision: wanted ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD }
  },
  toString: () => 'FollowTheParent',
}

/**
 * Redacts secrets in all spans at export. Spans are exported in batches, so this does not delay a
 * request.
 */
function redacting(exporter: SpanExporter): SpanExporter {
  return {
    export(spans, done) {
      for (const span of spans) redactSpan(span)
      exporter.export(spans, done)
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  }
}

/** In place: an exported span is not read again. */
function redactSpan(span: FinishedSpan): void {
  redactAttributes(span.attributes)
  if (span.status.message !== undefined) span.status.message = redact(span.status.message)
  for (const { attributes } of span.events) if (attributes) redactAttributes(attributes)
}

function redactAttributes(attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'string') attributes[key] = redact(value)
    else if (Array.isArray(value)) {
      attributes[key] = value.map((item) => (typeof item === 'string' ? redact(item) : item)) as AttributeValue
    }
  }
}

function recorded(span: OtelSpan): Span {
  const { traceId, spanId } = span.spanContext()
  const within = trace.setSpan(ROOT_CONTEXT, span)
  return {
    traceId,
    traceparent: formatTraceparent({ traceId, spanId, sampled: true }),
    setAttribute: (key, value) => void span.setAttribute(key, value),
    fail: (error) => failSpan(span, error),
    run: (work) => context.with(within, work),
    end: () => span.end(),
  }
}

function failSpan(span: OtelSpan, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  span.setStatus({ code: SpanStatusCode.ERROR, message })
  span.setAttribute('error.type', errorType(error))
}

/**
 * A low-cardinality name, as the semantic conventions require: the code of a DeedError or a system error, else the
 * class.
 */
function errorType(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

const KINDS: Record<SpanKind, OtelSpanKind> = {
  internal: OtelSpanKind.INTERNAL,
  server: OtelSpanKind.SERVER,
  client: OtelSpanKind.CLIENT,
  producer: OtelSpanKind.PRODUCER,
  consumer: OtelSpanKind.CONSUMER,
}

function remoteSpanContext(traceparent: string): SpanContext | undefined {
  const parsed = parseTraceparent(traceparent)
  if (parsed === undefined) return undefined
  const { traceId, spanId, sampled } = parsed
  return { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true }
}

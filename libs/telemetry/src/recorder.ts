/**
 * Exports spans as OTLP over http/protobuf, with OpenTelemetry's queue and exporter.
 *
 * Loaded by the preload only, if tracing is configured. The queue is bounded: what a collector does not take in time is
 * dropped, and nobody waits for it.
 */
import { getNumberFromEnv } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  defaultResource,
  detectResources,
  type Resource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  serviceNameEnvDetector,
} from '@opentelemetry/resources'
import { BatchSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace'
import { SERVICE_NAME } from './names.ts'
import { ExportedSpan } from './readable-span.ts'
import { installRecorder, type RecordedSpan } from './span.ts'

/** @throws if a variable names an unsupported sampler */
export function startRecorder(env: NodeJS.ProcessEnv): void {
  const ratio = samplingRatio(env)
  // The command line and the user, which other detectors report, may be confidential.
  const detectors = [resourceAttributesEnvDetector, serviceNameEnvDetector, serviceInstanceIdDetector]
  const resource = defaultResource().merge(detectResources({ detectors }))
  // One for each of the services that share a process, since spans are exported in groups by it.
  const resources = new Map<string, Resource>()
  const resourceOf = ({ service }: RecordedSpan): Resource => {
    if (service === undefined || env.OTEL_SERVICE_NAME) return resource
    const made = resources.get(service) ?? resource.merge(resourceFromAttributes({ [SERVICE_NAME]: service }))
    resources.set(service, made)
    return made
  }
  const processor = new BatchSpanProcessor({
    exporter: new OTLPTraceExporter(),
    ...numbers({
      scheduledDelayMillis: 'OTEL_BSP_SCHEDULE_DELAY',
      exportTimeoutMillis: 'OTEL_BSP_EXPORT_TIMEOUT',
      maxQueueSize: 'OTEL_BSP_MAX_QUEUE_SIZE',
      maxExportBatchSize: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
    }),
  })
  installRecorder({
    ratio,
    export: (span) => processor.onEnd(new ExportedSpan(span, resourceOf(span)) as ReadableSpan),
    shutdown: () => processor.shutdown(),
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

/** The variables that are set. */
function numbers<Name extends string>(variables: Record<Name, string>): Partial<Record<Name, number>> {
  const found = Object.entries<string>(variables).map(([name, variable]) => [name, getNumberFromEnv(variable)])
  return Object.fromEntries(found.filter(([, value]) => value !== undefined))
}

/**
 * Starts tracing before the service: `node --import @deed/telemetry/preload src/main.ts`.
 *
 * Instrumentation must be installed before the libraries that it instruments are loaded. The SDK takes most of a second
 * to load, so it is loaded only if OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT names a collector.
 * The standard variables configure the rest: OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG,
 * OTEL_EXPORTER_OTLP_HEADERS, OTEL_SDK_DISABLED and so on.
 */
const { env } = process

if (
  (env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) &&
  env.OTEL_SDK_DISABLED?.trim().toLowerCase() !== 'true'
) {
  const { startRecorder } = await import('./recorder.ts')
  startRecorder(env)
}

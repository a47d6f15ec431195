/**
 * Starts tracing ahead of the service: `node --import @deed/telemetry/preload src/main.ts`.
 *
 * Instrumentation has to be in place before the libraries it watches are loaded. The SDK costs most of a second to
 * load, so nothing of it is loaded unless a collector is named by OTEL_EXPORTER_OTLP_ENDPOINT or
 * OTEL_EXPORTER_OTLP_TRACES_ENDPOINT. The standard variables say the rest: OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER,
 * OTEL_TRACES_SAMPLER_ARG, OTEL_BSP_*, OTEL_SDK_DISABLED.
 */
const { env } = process

if (
  (env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) &&
  env.OTEL_SDK_DISABLED?.trim().toLowerCase() !== 'true'
) {
  const { startRecorder } = await import('./recorder.ts')
  startRecorder(env)
}

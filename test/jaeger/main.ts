/** Starts a real Jaeger for traces of a mesh: `npm run jaeger`. It forgets everything when it ends. */
import { buildJaeger, findJaeger, startJaeger } from './start-jaeger.ts'

const QUERY_PORT = 16_686
const OTLP_PORT = 4_318

const found = findJaeger(process.env)
if (found === undefined)
  process.stderr.write('no jaeger on the PATH or in JAEGER_BIN: building it with Go, for minutes\n')
const program = found ?? buildJaeger()
const jaeger = await startJaeger(program, { query: QUERY_PORT, otlp: OTLP_PORT })
process.stdout.write(`${program} runs. Ctrl+C ends it. Start a mesh with

  OTEL_EXPORTER_OTLP_ENDPOINT=${jaeger.collectorUrl} deed up

and look at ${jaeger.url}, or: JAEGER_URL=${jaeger.url} deed trace <execution>
`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void jaeger[Symbol.asyncDispose]())
await jaeger.ended

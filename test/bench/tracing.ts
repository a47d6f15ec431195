/** What tracing costs: the same load on meshes that differ in it alone, in turns, so that a busy machine slows all alike. */
import { openSide } from './load-scenario.ts'
import { type Line, rounded, type Scenario, type Side } from './scenario.ts'
import { warmUp } from './warm-up.ts'
import { checkFiles } from './written-files.ts'

const ROUNDS = 5
/** Nobody listens there. */
const AWAY = 'http://127.0.0.1:9'
const ALL = { OTEL_TRACES_SAMPLER: 'parentbased_always_on' }
const VARIANTS: Record<string, Record<string, string>> = {
  off: { OTEL_SDK_DISABLED: 'true' },
  all: ALL,
  'all, no collector': { ...ALL, OTEL_EXPORTER_OTLP_ENDPOINT: AWAY },
}

export const tracing: Scenario = {
  name: 'tracing',
  summary: 'write files, 64 in flight: not traced, all traced, and with a dead collector',
  async run(settings, opened) {
    const sides = new Map<string, Side>()
    for (const [variant, env] of Object.entries(VARIANTS)) {
      const workload = {
        ...{ name: 'tracing', summary: variant, inFlight: 64, work: 'write' as const },
        async check({ workspace }: { workspace: string }, { run, begun }: { run: string; begun: number }) {
          checkFiles(workspace, run, begun)
          return {}
        },
      }
      sides.set(variant, await openSide(workload, settings, opened, env))
    }
    await warmUp([...sides.values()], settings.seconds)
    for (let round = 0; round < ROUNDS; round++)
      for (const side of sides.values()) await side.slice((settings.seconds * 1_000) / ROUNDS)
    const lines = new Map<string, Line>()
    for (const [variant, side] of sides) lines.set(variant, await side.finish())
    const rateOff = lines.get('off')?.per_second ?? Number.NaN
    return [...lines].map(([variant, line]) => ({
      ...line,
      traced: variant,
      ratio_to_off: rounded((line.per_second ?? Number.NaN) / rateOff),
    }))
  },
}

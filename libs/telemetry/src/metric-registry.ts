/** The metrics of a process in the formats of Prometheus and OpenMetrics, made from the table of `proto/src/metrics.ts`. */
import { type FactName, type LabelsOf, METRICS, type MetricFacts, OTHER } from '@deed/proto/metrics'
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client'
import { installMetrics, type MetricRecorder } from './metrics.ts'
import { isSampled, traceIdOf } from './trace-context.ts'

type Labels = Readonly<Record<string, string>>
export interface Fact {
  name: FactName
  labels: Labels
  value: number
}

export interface MetricRegistry extends Disposable {
  /** Says what runs in this process. */
  addBuild(build: LabelsOf<'deed_build_info'>): void
  /** Replaces all facts about the whole mesh; `undefined`: another process exports them. */
  setFacts(facts: readonly Fact[] | undefined): void
  /**
   * All metrics as text.
   *
   * @param accept the header of the request: OpenMetrics, with examples of traces, for who reads it
   */
  text(accept: string | undefined): Promise<{ contentType: string; body: string }>
}

/** Begins to count in this process. Disposing ends it. */
export function openMetrics(): MetricRegistry {
  const own = new Registry(Registry.OPENMETRICS_CONTENT_TYPE)
  const facts = new Registry(Registry.OPENMETRICS_CONTENT_TYPE)
  const counters = new Map<string, Counter<string>>()
  const gauges = new Map<string, Gauge<string>>()
  const histograms = new Map<string, Histogram<string>>()
  const bounds = new Map<string, (labels: Labels) => Record<string, string>>()
  for (const [name, metric] of Object.entries<MetricFacts>(METRICS)) {
    const { help, labels = {}, type, buckets } = metric
    const registers = [metric.of === 'process' ? own : facts]
    const settings = { name, help, labelNames: Object.keys(labels), registers }
    bounds.set(name, bounded(labels))
    if (type === 'counter') counters.set(name, new Counter(settings))
    else if (type === 'gauge') gauges.set(name, new Gauge(settings))
    else histograms.set(name, new Histogram({ ...settings, buckets: [...(buckets ?? [])], enableExemplars: true }))
  }
  const labelsOf = (name: string, labels: Labels): Record<string, string> => bounds.get(name)?.(labels) ?? {}

  const recorder: MetricRecorder = {
    count: (name, labels, by) => counters.get(name)?.inc(labelsOf(name, labels), by),
    observe(name, given, value, trace) {
      const labels = labelsOf(name, given)
      const exemplar = trace !== undefined && isSampled(trace) ? { exemplarLabels: { trace_id: traceIdOf(trace) } } : {}
      histograms.get(name)?.observe({ labels, value, ...exemplar })
    },
  }
  installMetrics(recorder)

  let exported = false
  /** One at a time: the format is a property of the registry. */
  let writing: Promise<unknown> = Promise.resolve()
  const write = async (format: string): Promise<string> => {
    // To write OpenMetrics, the library takes the suffix from the name of each counter, for good.
    for (const [name, counter] of counters) Object.assign(counter, { name })
    const registries = exported ? [own, facts] : [own]
    for (const registry of registries) registry.setContentType(format as Registry['contentType'])
    return Registry.merge(registries).metrics()
  }
  return {
    addBuild(build) {
      gauges.get('deed_build_info')?.set(labelsOf('deed_build_info', build), 1)
    },
    setFacts(found) {
      exported = found !== undefined
      for (const [name, { of, type, labels, only }] of Object.entries<MetricFacts>(METRICS)) {
        if (of !== 'database') continue
        const metric = (type === 'counter' ? counters : gauges).get(name)
        metric?.reset()
        // The library says 0 of a metric without labels, also where nothing was measured.
        if (labels === undefined && only !== undefined) metric?.remove({})
      }
      for (const { name, labels, value } of found ?? []) {
        const safe = labelsOf(name, labels)
        if (METRICS[name].type === 'counter') counters.get(name)?.inc(safe, value)
        else gauges.get(name)?.set(safe, value)
      }
    },
    async text(accept) {
      const contentType = accept?.includes('application/openmetrics-text')
        ? Registry.OPENMETRICS_CONTENT_TYPE
        : Registry.PROMETHEUS_CONTENT_TYPE
      const body = writing.then(() => write(contentType))
      writing = body.catch(() => undefined)
      return { contentType, body: await body }
    },
    [Symbol.dispose]() {
      installMetrics(undefined)
    },
  }
}

/** Replaces every value that is not among the known ones, or is one too many. */
function bounded(values: NonNullable<MetricFacts['labels']>): (labels: Labels) => Record<string, string> {
  const known = Object.entries(values).map(([label, allowed]) => ({
    label,
    first: 'first' in allowed ? allowed.first : 0,
    seen: new Set<string>('first' in allowed ? [] : allowed),
  }))
  return (labels) => {
    const safe: Record<string, string> = {}
    for (const { label, first, seen } of known) {
      const value = labels[label] ?? OTHER
      if (!seen.has(value) && seen.size < first) seen.add(value)
      safe[label] = seen.has(value) ? value : OTHER
    }
    return safe
  }
}

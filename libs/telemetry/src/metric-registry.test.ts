// What Prometheus is told is bounded, whatever the world says.
import { METRICS, type MetricFacts } from '@deed/proto/metrics'
import { describe, expect, it } from 'vitest'
import { openMetrics } from './metric-registry.ts'
import { count, isMeasured, observe } from './metrics.ts'

const SAMPLED = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const UNSAMPLED = SAMPLED.replace(/01$/, '00')
const OPEN_METRICS = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5'
/** With each bucket, and an example in each. */
const BYTES_OF_KIND_MAX = 5_200

describe('the metrics of a process', () => {
  it('are counted only while they are served', async () => {
    count('deed_reports_refused_total', {})
    expect(isMeasured()).toBe(false)
    {
      using metrics = openMetrics()
      count('deed_reports_refused_total', {}, 2)
      expect((await metrics.text(undefined)).body).toContain('deed_reports_refused_total 2\n')
      expect(isMeasured()).toBe(true)
    }
    expect(isMeasured()).toBe(false)
  })

  it('have the same names in both formats, in any order of requests', async () => {
    using metrics = openMetrics()
    metrics.setFacts([{ name: 'deed_false_success_total', labels: {}, value: 3 }])
    for (let turn = 0; turn < 2; turn++) {
      const [open, plain] = await Promise.all([metrics.text(OPEN_METRICS), metrics.text('text/plain')])
      expect(open.contentType).toContain('application/openmetrics-text')
      expect(open.body).toContain('# TYPE deed_false_success counter\ndeed_false_success_total 3\n')
      expect(plain.contentType).toContain('text/plain')
      expect(plain.body).toContain('# TYPE deed_false_success_total counter\ndeed_false_success_total 3\n')
    }
  })

  it('have facts of the mesh only while this process exports them', async () => {
    using metrics = openMetrics()
    expect((await metrics.text(undefined)).body).not.toContain('deed_tasks')
    metrics.setFacts([{ name: 'deed_tasks', labels: { status: 'pending' }, value: 3 }])
    metrics.setFacts([{ name: 'deed_tasks', labels: { status: 'done' }, value: 1 }])
    const { body } = await metrics.text(undefined)
    expect(body).toContain('deed_tasks{status="done"} 1')
    expect(body).not.toContain('status="pending"')
    metrics.setFacts(undefined)
    expect((await metrics.text(undefined)).body).not.toContain('deed_tasks')
  })

  it('name the trace of a value if it is sampled', async () => {
    using metrics = openMetrics()
    observe('deed_hop_duration_seconds', { subject: 'a' }, 0.02, UNSAMPLED)
    expect((await metrics.text(OPEN_METRICS)).body).not.toContain('trace_id')
    observe('deed_hop_duration_seconds', { subject: 'a' }, 0.02, SAMPLED)
    expect((await metrics.text(OPEN_METRICS)).body).toContain('# {trace_id="0af7651916cd43dd8448eb211c80319c"} 0.02 ')
    expect((await metrics.text(undefined)).body).not.toContain('trace_id')
  })

  it('have no value of the world in a label beyond its bound', async () => {
    using metrics = openMetrics()
    for (let n = 0; n < 1_000; n++) {
      count('deed_actions_total', { kind: `kind.${n}`, intent: 'do', outcome: 'done' })
      count('deed_model_calls_total', { model: `model"\n${n}`, outcome: 'solved' })
    }
    const { body } = await metrics.text(undefined)
    expect(body).toContain('deed_actions_total{kind="other",intent="do",outcome="done"} 1000')
    expect(body.match(/deed_model_calls_total\{/g)).toHaveLength(21)
    expect(body).toContain('deed_model_calls_total{model="other",outcome="solved"} 980')
  })

  it('stay small in an executor that has met every kind, each with examples', async () => {
    using metrics = openMetrics()
    const kinds = METRICS.deed_actions_total.labels.kind
    for (const kind of kinds) {
      for (const seconds of METRICS.deed_action_duration_seconds.buckets) {
        observe('deed_action_duration_seconds', { kind }, seconds, SAMPLED)
        observe('deed_observation_duration_seconds', { kind }, seconds, SAMPLED)
      }
      count('deed_lease_takeovers_total', { kind })
      for (const intent of ['do', 'undo'])
        for (const outcome of ['done', 'failed']) count('deed_actions_total', { kind, intent, outcome })
    }
    expect((await metrics.text(OPEN_METRICS)).body.length).toBeLessThan(kinds.length * BYTES_OF_KIND_MAX)
  })
})

describe('the table of metrics', () => {
  it('follows the conventions of names and units, and no two families have one name', () => {
    const families = new Set<string>()
    for (const [name, { type, unit, buckets, help, of, by }] of Object.entries<MetricFacts>(METRICS)) {
      expect(name).toMatch(/^deed_[a-z]+(_[a-z]+)*$/)
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
      if (unit !== undefined) expect(name).toContain(`_${unit}`)
      expect(buckets === undefined, name).toBe(type !== 'histogram')
      expect(by === undefined, name).toBe(of === 'database')
      expect(help).toMatch(/^[A-Z].*\.$/)
      const family = name.replace(/_total$/, '')
      expect(families).not.toContain(family)
      families.add(family)
    }
  })
})

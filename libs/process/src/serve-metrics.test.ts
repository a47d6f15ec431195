// Where Prometheus is answered: nowhere unless a port is set, and once for each process.

import { ConfigError } from '@deed/config/config-error'
import { createLogger } from '@deed/telemetry/logger'
import { count, isMeasured } from '@deed/telemetry/metrics'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { enterPhase } from './readiness.ts'
import { MetricsEnvironment, serveMetrics } from './serve-metrics.ts'

const lines: string[] = []
const log = Object.assign(createLogger('test'), {
  info: (facts: { url?: string }) => void lines.push(facts.url ?? ''),
})
const Settings = z.object(MetricsEnvironment)
const ANY_PORT = Settings.parse({ METRICS_PORT: '0', DEED_REVISION: 'abc' })

it('nothing is served, and nothing counted, without a port', async () => {
  await using served = await serveMetrics('executor', log, Settings.parse({ METRICS_PORT: '' }))
  expect(served.registry).toBeUndefined()
  expect(isMeasured()).toBe(false)
})

it('services that share a process answer together, until the last of them ends', async () => {
  const first = await serveMetrics('semantic-cache', log, ANY_PORT)
  const url = lines.at(-1) ?? ''
  {
    await using _second = await serveMetrics('hybrid-agent', log, { ...ANY_PORT, METRICS_PORT: 1 })
    count('deed_cache_requests_total', { tier: 'exact', result: 'hit' })
    const text = await (await fetch(url)).text()
    expect(text).toContain('deed_build_info{service="semantic-cache",version="0.1.0",revision="abc"} 1')
    expect(text).toContain('deed_build_info{service="hybrid-agent",version="0.1.0",revision="abc"} 1')
    expect(text).toContain('deed_cache_requests_total{tier="exact",result="hit"} 1')
  }
  expect((await fetch(url)).status).toBe(200)
  await first[Symbol.asyncDispose]()
  await expect(fetch(url)).rejects.toThrow()
  expect(isMeasured()).toBe(false)
})

it('says over HTTP whether it is alive, and whether it is ready and why not', async () => {
  enterPhase('serving')
  await using served = await serveMetrics('orchestrator', log, ANY_PORT)
  const base = lines.at(-1)?.replace('/metrics', '')
  const ready = async () => {
    const response = await fetch(`${base}/readyz`)
    return { status: response.status, ...((await response.json()) as object) }
  }
  expect(await ready()).toEqual({ status: 200, ready: true, phase: 'serving', checks: [] })
  served.readyIf({ queues: async () => 'a stream is missing' })
  const check = { service: 'orchestrator', name: 'queues', ok: false, why: 'a stream is missing' }
  expect(await ready()).toEqual({ status: 503, ready: false, phase: 'serving', checks: [check] })
  expect((await fetch(`${base}/livez`)).status).toBe(200)
  expect((await fetch(`${base}/other`)).status).toBe(404)
})

it('a port that is taken, or an address that is not of this host, stops the start', async () => {
  const host = '203.0.113.1'
  await expect(serveMetrics('executor', log, { ...ANY_PORT, METRICS_HOST: host })).rejects.toThrow(ConfigError)
  // A later start is another one.
  await using served = await serveMetrics('executor', log, ANY_PORT)
  expect(served.registry).toBeDefined()
})

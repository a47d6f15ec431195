import { describe, expect, it } from 'vitest'
import { enterPhase, openProbes } from './readiness.ts'
import { until } from './until.ts'

describe('the readiness of a process', () => {
  it('needs every part of every service in it, and names the one that fails', async () => {
    const probes = openProbes()
    probes.add('executor', { nats: async () => undefined })
    enterPhase('draining')
    expect(await probes.read()).toEqual({ ready: false, phase: 'draining', checks: [] })
    enterPhase('serving')
    expect(await probes.read()).toMatchObject({ ready: true, phase: 'serving' })
    probes.add('semantic-cache', { postgresql: () => Promise.reject(new Error('gone')) })
    expect(await probes.read()).toEqual({
      ready: false,
      phase: 'serving',
      checks: [
        { service: 'executor', name: 'nats', ok: true },
        { service: 'semantic-cache', name: 'postgresql', ok: false, why: 'gone' },
      ],
    })
  })

  it('asks each part once a second at most, however often it is read', async () => {
    enterPhase('serving')
    let asked = 0
    const begunAt = performance.now()
    const probes = openProbes()
    probes.add('executor', { postgresql: async () => void asked++ })
    await until(async () => {
      for (let count = 0; count < 100; count++) await probes.read()
      return asked >= 2
    })
    expect(performance.now() - begunAt).toBeGreaterThan((asked - 1) * 1_000)
  })

  it('is refused by a part that hangs, which is not asked a second time meanwhile', async () => {
    enterPhase('serving')
    let asked = 0
    const probes = openProbes()
    probes.add('executor', {
      postgresql: () => {
        asked++
        return new Promise(() => undefined)
      },
    })
    for (let count = 0; count < 2; count++)
      expect((await probes.read()).checks).toMatchObject([{ ok: false, why: 'no answer within 3000 ms' }])
    expect(asked).toBe(1)
  }, 30_000)
})

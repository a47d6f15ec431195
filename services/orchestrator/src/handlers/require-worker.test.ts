import { LOCAL } from '@deed/proto/ids'
import { serviceAs } from '@deed/proto/permissions'
import { describe, expect, it } from 'vitest'
import { requireWorker } from './require-worker.ts'

describe('what a worker reports', () => {
  it('counts from the service that does such work, and from nobody else', () => {
    requireWorker(serviceAs('executor'), 'act')
    requireWorker(serviceAs('hybrid-agent'), 'solve')
    for (const [principal, capability, service] of [
      [serviceAs('hybrid-agent'), 'act', 'executor'],
      [serviceAs('executor'), 'solve', 'hybrid-agent'],
      [serviceAs('executor'), 'human', 'no service'],
      [LOCAL, 'act', 'executor'],
      [{ tenant: 'local', user: 'executor' }, 'act', 'executor'],
    ] as const) {
      expect(() => requireWorker(principal, capability)).toThrow(`only ${service} may report`)
    }
  })
})

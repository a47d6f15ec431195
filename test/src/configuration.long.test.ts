// B57: a setting that cannot be is refused at the start, by name, with an exit code of its own.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { startService } from '@deed/local/service-process'
import { temporaryFolder } from '@deed/local/temporary-folder'
import type { ServiceName } from '@deed/proto/contract'
import { describe, expect, it } from 'vitest'

const REFUSED = /ended with exit code 78 before it was ready/
/** Of execution.yaml. */
const READERS = ['orchestrator', 'executor', 'hybrid-agent', 'semantic-cache'] as const
/** Nobody is there: the configuration is read before anybody is asked. */
const NOBODY = { NATS_URL: 'nats://127.0.0.1:1', DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }

/** Why it does not start. */
async function refusalOf(service: ServiceName, env: Record<string, string>, execution = ''): Promise<string> {
  using folder = temporaryFolder()
  const file = join(folder.path, 'execution.yaml')
  writeFileSync(file, execution)
  const started = startService({
    service,
    env: { PATH: process.env.PATH ?? '', DEED_CONFIG: file, DEED_DATA_DIR: folder.path, ...env },
    logDir: folder.path,
    supervise: false,
  })
  return await started.then(
    async (running) => {
      await running.stop()
      return 'it has started'
    },
    (error: Error) => error.message,
  )
}

describe('a service', () => {
  it.each([
    ['a key that is not there', 'wrokers: { count: 2 }', 'did you mean "workers"?'],
    ['what is no YAML', 'targets: {{{', 'execution.yaml'],
  ])('whose execution.yaml has %s does not start, and says where', async (_, execution, words) => {
    const refusals = await Promise.all(READERS.map((service) => refusalOf(service, NOBODY, execution)))
    for (const refusal of refusals) {
      expect(refusal).toMatch(REFUSED)
      expect(refusal).toContain(words)
    }
  })

  it('that is told one thing twice, or lacks a variable, does not start', async () => {
    const twice = await refusalOf(
      'orchestrator',
      { ...NOBODY, METRICS_PORT: '9191' },
      'observability: { metrics_port: 9090 }',
    )
    expect(twice).toMatch(REFUSED)
    expect(twice).toContain('METRICS_PORT')
    const without = await Promise.all(READERS.map((service) => refusalOf(service, { NATS_URL: NOBODY.NATS_URL })))
    for (const refusal of without) {
      expect(refusal).toMatch(REFUSED)
      expect(refusal).toContain('DATABASE_URL')
    }
  })
})

it('a mesh whose port is taken does not start, says which, and does not try again', async () => {
  const taken = createServer().listen(0)
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  await expect(meshUnderTest({ env: { METRICS_PORT: String(port) } })).rejects.toThrow(`port ${port} for metrics`)
  taken.close()
})

// Against an exchange in the form that docker 27 has: no daemon is at hand where the tests run.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testClient } from '../test-client.ts'
import { testExecutor } from '../test-executor.ts'

/** As `docker container inspect` prints it, without what nobody here reads. */
const inspected = (Running: boolean, Pid = 0, health?: string) =>
  JSON.stringify([
    {
      Id: 'f1d2',
      Name: '/web',
      State: {
        Status: Running ? 'running' : 'exited',
        Running,
        Pid,
        StartedAt: `2026-01-02T03:04:0${Pid % 10}.5Z`,
        ...(health === undefined ? {} : { Health: { Status: health, FailingStreak: 0 } }),
      },
    },
  ])

const service = (verb: string) => ({ kind: `service.${verb}`, input: { target: 'web' } })

describe('a service that is a container', () => {
  it('is stopped, started and restarted as another process, and seen each time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'deed-docker-'))
    const client = testClient(folder, 'docker', {
      reading: inspected(true, 41, 'healthy'),
      changes: [
        { argv: ['container', 'stop', '-t', '10', '--', 'web'], stdout: 'web\n', reading: inspected(false) },
        { argv: ['container', 'start', '--', 'web'], stdout: 'web\n', reading: inspected(true, 42, 'healthy') },
        { argv: ['container', 'stop', '-t', '10', '--', 'web'], stdout: 'web\n', reading: inspected(false) },
        { argv: ['container', 'start', '--', 'web'], stdout: 'web\n', reading: inspected(true, 43, 'unhealthy') },
      ],
    })
    await using executor = await testExecutor('targets: { web: { type: docker, container: web } }', { PATH: folder })
    const stop = await executor.dispatch(service('stop'))
    expect(await executor.attempt(stop)).toMatchObject({ outcome: 'done' })
    expect(await executor.run(service('stop'))).toMatchObject({ effect: 'none', evidence: { already_so: true } })
    expect(await executor.undo(stop)).toMatchObject({ outcome: 'done' })
    expect(await executor.run(service('status'))).toMatchObject({
      result: { text: 'web runs as container web (process 42); docker says it is healthy' },
    })
    expect(await executor.run(service('restart'))).toMatchObject({
      outcome: 'failed',
      error: { code: 'verification_failed' },
    })
    expect(client.calls()[0]).toEqual(['container', 'inspect', '--', 'web'])
    rmSync(folder, { recursive: true })
  })

  it('needs the client, which is only looked for where the operator has it', async () => {
    await using executor = await testExecutor('targets: { web: { type: docker, container: web } }', { PATH: '.:bin' })
    expect(await executor.run(service('stop'))).toMatchObject({ effect: 'none', error: { code: 'unavailable' } })
  })
})

describe('a service that is a unit of systemd', () => {
  const runs = existsSync('/run/systemd/system')
  const why = runs ? ' (SKIPPED: systemd runs this host)' : ''

  it.skipIf(runs)(`is nothing that a host without systemd pretends to have${why}`, async () => {
    await using executor = await testExecutor('targets: { web: { type: systemd, unit: nginx.service } }')
    expect(await executor.run(service('status'))).toMatchObject({
      outcome: 'failed',
      error: { code: 'unavailable', message: 'systemd does not run this host' },
    })
  })
})

// Against an exchange in the form that docker 27 has: no daemon is at hand where the tests run.
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RequestScope } from '@deed/mesh/bus'
import { Action } from '@deed/proto/action'
import type { ExecutionId } from '@deed/proto/ids'
import { describe, expect, it } from 'vitest'
import { testClient } from '../../test/test-client.ts'
import { testExecutor } from '../../test/test-executor.ts'
import { inspectAction } from '../handlers/inspect-action.ts'

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

  it('is not started from another image than the one that was shown', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'deed-docker-'))
    const of = (image: string, running: boolean) =>
      JSON.stringify([{ ...JSON.parse(inspected(running, running ? 42 : 0))[0], Image: image }])
    const exchange = (image: string) => ({
      reading: of(image, false),
      changes: [{ argv: ['container', 'start', '--', 'web'], stdout: 'web\n', reading: of(image, true) }],
    })
    const client = testClient(folder, 'docker', exchange('sha256:aa'))
    await using executor = await testExecutor('targets: { web: { type: docker, container: web } }', { PATH: folder })
    const action = Action.parse(service('start'))
    const found = await inspectAction({ world: executor.world })(
      { execution_id: randomUUID() as ExecutionId, actions: [action] },
      { deadline: performance.now() + 60_000 } as RequestScope,
    )
    expect(found).toMatchObject({ inspections: [{ inspection: { means: { 'web.image': 'sha256:aa' } } }] })
    const means = { 'web.container': 'web', 'web.image': 'sha256:aa', 'web.type': 'docker' }
    const approved = { ...action, expect_resolved: means }
    testClient(folder, 'docker', exchange('sha256:bb'))
    expect(await executor.run(approved)).toMatchObject({
      effect: 'none',
      error: {
        code: 'precondition_failed',
        message: expect.stringContaining('web.image is sha256:bb, and was sha256:aa'),
      },
    })
    expect(client.calls().filter((argv) => argv.includes('start'))).toEqual([])
    testClient(folder, 'docker', exchange('sha256:aa'))
    expect(await executor.run(approved)).toMatchObject({ outcome: 'done' })
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
    const { PATH = '' } = process.env
    await using executor = await testExecutor('targets: { web: { type: systemd, unit: nginx.service } }', { PATH })
    for (const verb of ['status', 'stop'])
      expect(await executor.run(service(verb))).toMatchObject({
        outcome: 'failed',
        error: { code: 'unavailable', message: expect.stringMatching(/systemctl|systemd/) },
      })
  })
})

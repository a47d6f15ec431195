// Answers of docker, systemd and Kubernetes that say "running" in one field and "not really" in another, from programs
// that print what the real clients print.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseExecutionConfig } from '@deed/config/execution-config'
import type { Target } from '@deed/config/targets'
import { describe, expect, it } from 'vitest'
import type { World } from '../kind/kind.ts'
import { dockerContainer } from './docker-container.ts'
import { kubernetesService } from './kubernetes-service.ts'
import type { ServiceProvider, ServiceState } from './service-provider.ts'
import { systemdUnit } from './systemd-unit.ts'

type Verdict = 'up' | 'stopped' | 'not up' | 'unavailable' | 'not_found'
const SIGNAL = new AbortController().signal

/** What is said of a service whose client prints this. @param more answers to calls that have this word in them */
async function verdictOf(
  provider: (world: World) => ServiceProvider,
  program: string,
  answer: string,
  more: Readonly<Record<string, string>> = {},
): Promise<{ verdict: Verdict; seen?: ServiceState }> {
  const folder = mkdtempSync(join(tmpdir(), 'deed-liar-'))
  writeFileSync(join(folder, 'answer'), answer)
  const cases = Object.entries(more).map(([word, text], index) => {
    writeFileSync(join(folder, `more-${index}`), text)
    return `case " $* " in *" ${word} "*) exec /bin/cat ${folder}/more-${index};; esac`
  })
  writeFileSync(join(folder, program), ['#!/bin/sh', ...cases, `exec /bin/cat ${folder}/answer`].join('\n'))
  chmodSync(join(folder, program), 0o755)
  try {
    const seen = await provider({ env: { PATH: folder } } as unknown as World).state(SIGNAL)
    if (!seen.running) return { verdict: 'stopped', seen }
    return { verdict: seen.health === undefined || seen.health.ok ? 'up' : 'not up', seen }
  } catch (error) {
    return { verdict: (error as { code: Verdict }).code }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function targetOf<Type extends Target['type']>(yaml: string, _: Type): Extract<Target, { type: Type }> {
  return parseExecutionConfig(`targets: { it: ${yaml} }`).targets.it as Extract<Target, { type: Type }>
}

describe('what docker says of a container', () => {
  const target = targetOf('{ type: docker, container: web }', 'docker')
  const state = {
    ...{ Status: 'running', Running: true, Paused: false, Restarting: false, OOMKilled: false, Dead: false },
    ...{ Pid: 41, ExitCode: 0, Error: '', StartedAt: '2026-01-02T03:04:05.5Z', FinishedAt: '0001-01-01T00:00:00Z' },
  }
  const exited = { ...state, Status: 'exited', Running: false, Pid: 0 }
  const answer = (State: object) =>
    JSON.stringify([{ Id: 'f1', Name: '/web', Image: 'sha256:aa', RestartCount: 3, State }])

  it.each<[string, object, Verdict, RegExp?]>([
    ['running', state, 'up'],
    ['running and healthy', { ...state, Health: { Status: 'healthy' } }, 'up'],
    ['running, without a check of its health', { ...state, Health: { Status: 'none' } }, 'up'],
    ['running, its check not done', { ...state, Health: { Status: 'starting' } }, 'not up', /starting/],
    ['running and unhealthy', { ...state, Health: { Status: 'unhealthy' } }, 'not up', /unhealthy/],
    [
      'healthy and paused',
      { ...state, Status: 'paused', Paused: true, Health: { Status: 'healthy' } },
      'not up',
      /paused/,
    ],
    ['running and paused', { ...state, Paused: true }, 'not up', /paused/],
    [
      'being restarted',
      { ...state, Status: 'restarting', Restarting: true, Pid: 0, ExitCode: 1 },
      'not up',
      /exit code 1/,
    ],
    ['being restarted, not running', { ...exited, Restarting: true }, 'not up', /restarted/],
    ['running without a process', { ...state, Pid: 0 }, 'not up', /no process/],
    ['running with a process killed for memory', { ...state, OOMKilled: true }, 'not up', /memory/],
    ['running and dead', { ...state, Dead: true }, 'not up', /dead/],
    ['being removed', { ...state, Status: 'removing' }, 'not up', /removing/],
    ['exited with a process', { ...exited, Pid: 41 }, 'not up', /exited/],
    ['a status of a later release', { ...state, Status: 'hibernating' }, 'not up', /hibernating/],
    ['exited', exited, 'stopped', /exit code 0/],
    ['exited with SIGKILL', { ...exited, ExitCode: 137 }, 'stopped', /SIGKILL/],
    ['exited for want of memory', { ...exited, ExitCode: 137, OOMKilled: true }, 'stopped', /memory/],
    ['never started', { ...exited, Status: 'created' }, 'stopped'],
    ['dead', { ...exited, Status: 'dead', Dead: true }, 'stopped', /remove/],
    ['nothing of its process', { Status: 'running', Running: true, StartedAt: '' }, 'unavailable'],
  ])('%s', async (_, State, verdict, text = /.*/) => {
    const found = await verdictOf((world) => dockerContainer(world, target), 'docker', answer(State))
    expect(found).toMatchObject({ verdict })
    expect(found.seen?.health?.text ?? found.seen?.ended?.text ?? '').toMatch(text)
  })

  it.each([
    ['an empty list', '[]'],
    ['a page of a proxy', '<html>'],
    ['an answer that is cut off', answer(state).slice(0, 90)],
  ])('%s is no answer', async (_, text) => {
    expect(await verdictOf((world) => dockerContainer(world, target), 'docker', text)).toEqual({
      verdict: 'unavailable',
    })
  })

  it.each<[string, string, Verdict]>([
    ['the image that was asked for', 'sha256:aa', 'up'],
    ['another image than the name now means', 'sha256:bb', 'not up'],
  ])('is made of %s', async (_, Id, verdict) => {
    const pinned = targetOf('{ type: docker, container: web, image: "web:2" }', 'docker')
    const more = { image: JSON.stringify([{ Id }]) }
    const found = await verdictOf((world) => dockerContainer(world, pinned), 'docker', answer(state), more)
    expect(found).toMatchObject({ verdict, seen: { running: { restarts: 3 } } })
  })
})

describe('what systemd says of a unit', () => {
  const target = targetOf('{ type: systemd, unit: web.service }', 'systemd')
  const unit = {
    ...{ LoadState: 'loaded', ActiveState: 'active', SubState: 'running', Result: 'success', Type: 'simple' },
    ...{ MainPID: '41', NRestarts: '0', InvocationID: 'ab', ExecMainStatus: '0', TasksCurrent: '3' },
    ...{ ActiveEnterTimestampMonotonic: '5', TimeoutStopUSec: '1min 30s' },
  }
  const over = { ...unit, ActiveState: 'inactive', SubState: 'dead', MainPID: '0', TasksCurrent: '[not set]' }
  const failed = { ...over, ActiveState: 'failed', SubState: 'failed' }

  it.each<[string, object, Verdict, RegExp?]>([
    ['active and running', unit, 'up'],
    ['a task that is done once', { ...unit, Type: 'oneshot', SubState: 'exited', MainPID: '0' }, 'up'],
    ['a socket, which has no process', { ...unit, Type: '', SubState: 'listening', MainPID: '0' }, 'up'],
    ['active, its process ended', { ...unit, SubState: 'exited', MainPID: '0' }, 'not up', /has ended/],
    ['active without a process', { ...unit, MainPID: '0' }, 'not up', /no main process/],
    ['active with a bad result', { ...unit, Result: 'watchdog' }, 'not up', /watchdog/],
    ['activating', { ...unit, ActiveState: 'activating', SubState: 'start-pre' }, 'not up', /activating/],
    [
      'waiting to be restarted',
      { ...unit, ActiveState: 'activating', SubState: 'auto-restart', MainPID: '0' },
      'not up',
    ],
    ['deactivating', { ...unit, ActiveState: 'deactivating', SubState: 'stop-sigterm' }, 'not up'],
    ['reloading', { ...unit, ActiveState: 'reloading', SubState: 'reload' }, 'not up'],
    ['a state of a later release', { ...unit, ActiveState: 'hibernating' }, 'not up'],
    ['stopped', over, 'stopped', /^$/],
    ['stopped by SIGKILL after its time', { ...failed, Result: 'timeout' }, 'stopped', /timeout/],
    ['failed with exit status 3', { ...failed, Result: 'exit-code', ExecMainStatus: '3' }, 'stopped', /exit status 3/],
    ['failed, with processes left', { ...failed, Result: 'exit-code', TasksCurrent: '2' }, 'not up', /2 processes/],
    ['stopped, with processes left', { ...over, TasksCurrent: '1' }, 'not up', /1 processes/],
    ['not known', { ...over, LoadState: 'not-found' }, 'not_found'],
    ['masked', { ...over, LoadState: 'masked' }, 'not_found'],
    ['nothing', {}, 'unavailable'],
  ])('%s', async (_, shown, verdict, text = /.*/) => {
    const answer = Object.entries(shown).map(([name, value]) => `${name}=${value}\n`)
    const found = await verdictOf((world) => systemdUnit(world, target), 'systemctl', answer.join(''))
    expect(found).toMatchObject({ verdict })
    expect(found.seen?.health?.text ?? found.seen?.ended?.text ?? '').toMatch(text)
  })
})

describe('what Kubernetes says of a deployment', () => {
  const target = targetOf('{ type: kubernetes, deployment: shop }', 'kubernetes')
  const status = {
    ...{ observedGeneration: 7, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 },
    conditions: [
      { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
      { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
    ],
  }
  const answer = (status: object, spec: object = {}, metadata: object = {}) =>
    JSON.stringify({
      metadata: { uid: 'u1', generation: 7, annotations: {}, ...metadata },
      spec: { replicas: 2, template: { spec: { containers: [{ name: 'shop', image: 'shop:1' }] } }, ...spec },
      status,
    })
  const none = { replicas: 0 }
  const bad = (type: string, value: string, reason: string) => ({
    ...status,
    conditions: [{ type, status: value, reason }],
  })

  it.each<[string, string, Verdict, RegExp?]>([
    ['all replicas there', answer(status), 'up'],
    ['a generation that was not seen', answer({ ...status, observedGeneration: 6 }), 'not up', /generation 6, not 7/],
    ['one replica that is not ready', answer({ ...status, readyReplicas: 1 }), 'not up', /1 of 2 are ready/],
    ['ready, and not available yet', answer({ ...status, availableReplicas: 1 }), 'not up', /1 of 2 are available/],
    ['unavailable replicas', answer({ ...status, unavailableReplicas: 1 }), 'not up', /1 are unavailable/],
    ['replicas of the old template', answer({ ...status, updatedReplicas: 1 }), 'not up', /newest template/],
    ['old replicas besides', answer({ ...status, replicas: 3 }), 'not up', /3 of 2 are there/],
    ['a rollout that is paused', answer(status, { paused: true }), 'not up', /paused/],
    [
      'a rollout past its deadline',
      answer(bad('Progressing', 'False', 'ProgressDeadlineExceeded')),
      'not up',
      /Deadline/,
    ],
    ['not available by its condition', answer(bad('Available', 'False', 'x')), 'not up', /Available is False/],
    ['available, perhaps', answer(bad('Available', 'Unknown', 'x')), 'not up', /Unknown/],
    ['pods that cannot be made', answer(bad('ReplicaFailure', 'True', 'FailedCreate')), 'not up', /FailedCreate/],
    ['being deleted', answer(status, {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), 'not up', /deleted/],
    ['nothing of its status', answer({}), 'not up'],
    ['scaled to none', answer({ observedGeneration: 7 }, none), 'stopped'],
    ['scaled to none, which was not seen', answer({ observedGeneration: 6 }, none), 'not up', /generation/],
    ['scaled to none, with pods there', answer({ observedGeneration: 7, replicas: 1 }, none), 'not up', /1 of 0/],
    [
      'scaled to none, pods ending',
      answer({ observedGeneration: 7, terminatingReplicas: 1 }, none),
      'not up',
      /not ended/,
    ],
    ['text', 'error', 'unavailable'],
    ['another form', '{"kind":"List","items":[]}', 'unavailable'],
  ])('%s', async (_, text, verdict, says = /.*/) => {
    const found = await verdictOf((world) => kubernetesService(world, target), 'kubectl', text)
    expect(found).toMatchObject({ verdict })
    expect(found.seen?.health?.text ?? '').toMatch(says)
  })

  const started = '2026-01-02T03:04:05Z'
  const up = { running: { startedAt: started } }
  const crashed = { terminated: { exitCode: 1 } }
  const waits = { waiting: { reason: 'CrashLoopBackOff' } }
  const pod = (containers: readonly object[], metadata: object = {}) => ({
    metadata: { name: 'shop-1', ...metadata },
    status: { containerStatuses: containers.map((one) => ({ name: 'shop', restartCount: 0, ...one })) },
  })

  it.each<[string, readonly object[], Verdict, RegExp?, number?]>([
    ['running', [pod([{ state: up }]), pod([{ state: up }])], 'up', /^2 of 2 replicas are ready$/, 0],
    ['restarted, some time ago', [pod([{ state: up, restartCount: 3, lastState: crashed }])], 'up', /ready$/, 3],
    [
      'being restarted',
      [pod([{ state: waits, restartCount: 4, lastState: crashed }])],
      'not up',
      /shop of shop-1 waits: CrashLoopBackOff, after exit code 1/,
      4,
    ],
    ['one that has ended', [pod([{ state: crashed }])], 'not up', /has ended, after exit code 1/],
    ['being deleted', [pod([{ state: waits }], { deletionTimestamp: started }), pod([{ state: up }])], 'up'],
    ['none at all', [], 'up', /ready$/, 0],
  ])('and of its pods: %s', async (_, items, verdict, says = /.*/, restarts) => {
    const text = answer(status, { selector: { matchLabels: { app: 'shop' } } })
    const more = { 'pods --selector=app=shop': JSON.stringify({ items }) }
    const found = await verdictOf((world) => kubernetesService(world, target), 'kubectl', text, more)
    expect(found).toMatchObject({ verdict })
    expect(found.seen?.health?.text).toMatch(says)
    if (restarts !== undefined) expect(found.seen?.running?.restarts).toBe(restarts)
  })
})

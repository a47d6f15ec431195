// Against exchanges in the form that kubectl 1.32 has: no cluster is at hand where the tests run.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Exchange, type TestClient, testClient } from '../../test/test-client.ts'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { inspectAction } from '../handlers/inspect-action.ts'

interface State {
  replicas?: number
  ready?: number
  revision?: number
  image?: string
  kept?: number
}

/** As `kubectl get deployment/shop --output=json` prints it, without what nobody here reads. */
const deployment = ({ replicas = 2, ready = replicas, revision = 4, image = 'shop:1', kept }: State = {}): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'shop',
      namespace: 'web',
      uid: '0b6a3f0e-8a63-4b9e-9a53-3d2b7b1f1c11',
      generation: 7,
      annotations: {
        'deployment.kubernetes.io/revision': String(revision),
        ...(kept === undefined ? {} : { 'deed/replicas': String(kept) }),
      },
    },
    spec: {
      replicas,
      template: { metadata: { labels: { app: 'shop' } }, spec: { containers: [{ name: 'shop', image }] } },
    },
    status: {
      observedGeneration: 7,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: ready,
      availableReplicas: ready,
    },
  })

const WHERE = ['--context=prod', '--namespace=web', '--request-timeout=15s']
const change = (argv: string[], state?: State, more: object = {}) => ({
  argv: [...WHERE, ...argv],
  ...(state ? { reading: deployment(state) } : {}),
  ...more,
})

async function withCluster(exchange: Exchange, namespace = 'web'): Promise<TestExecutor & { client: TestClient }> {
  const folder = mkdtempSync(join(tmpdir(), 'deed-kubectl-'))
  const client = testClient(folder, 'kubectl', exchange)
  const executor = await testExecutor(
    `targets: { shop: { type: kubernetes, context: prod, namespace: ${namespace}, deployment: shop } }`,
    { PATH: folder },
  )
  return {
    ...executor,
    client,
    async [Symbol.asyncDispose]() {
      await executor[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
    },
  }
}

const scale = (replicas: number) => ({ kind: 'kubernetes.scale', input: { target: 'shop', replicas } })
const rollout = (more: object = {}) => ({ kind: 'kubernetes.rollout', input: { target: 'shop', ...more } })

describe('scaling a deployment', () => {
  it('is done when the cluster has as many, and ready; and is undone', async () => {
    await using executor = await withCluster({
      reading: deployment(),
      changes: [
        change(['scale', 'deployment/shop', '--replicas=5', '--current-replicas=2'], { replicas: 5 }),
        change(['scale', 'deployment/shop', '--replicas=2', '--current-replicas=5'], { replicas: 2 }),
      ],
    })
    const work = await executor.dispatch(scale(5))
    expect(await executor.attempt(work)).toMatchObject({
      outcome: 'done',
      effect: 'made',
      evidence: { observed: '5 of 5 replicas are ready' },
    })
    expect(await executor.run(scale(5))).toMatchObject({ effect: 'none', evidence: { already_so: true } })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(executor.client.calls()[0]).toEqual([...WHERE, 'get', 'deployment/shop', '--output=json'])
  })

  it('fails when the replicas do not become ready, or somebody scales it at the same moment', async () => {
    await using stuck = await withCluster({
      reading: deployment(),
      changes: [
        change(['scale', 'deployment/shop', '--replicas=5', '--current-replicas=2'], { replicas: 5, ready: 3 }),
      ],
    })
    expect(await stuck.run(scale(5))).toMatchObject({ outcome: 'failed', error: { code: 'verification_failed' } })
    await using raced = await withCluster({
      reading: deployment(),
      changes: [
        change(['scale', 'deployment/shop', '--replicas=5', '--current-replicas=2'], undefined, {
          stderr: 'error: Expected replicas to be 2, was 3\n',
          code: 1,
        }),
      ],
    })
    expect(await raced.run(scale(5))).toMatchObject({ effect: 'none', error: { code: 'precondition_failed' } })
  })

  it('is not undone once somebody has scaled it since', async () => {
    await using executor = await withCluster({
      reading: deployment(),
      changes: [change(['scale', 'deployment/shop', '--replicas=5', '--current-replicas=2'], { replicas: 5 })],
    })
    const work = await executor.dispatch(scale(5))
    await executor.attempt(work)
    testClient(executor.client.folder, 'kubectl', { reading: deployment({ replicas: 9 }), changes: [] })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
  })

  it('is not undone while as many pods as before are not ready', async () => {
    await using executor = await withCluster({
      reading: deployment(),
      changes: [
        change(['scale', 'deployment/shop', '--replicas=5', '--current-replicas=2'], { replicas: 5 }),
        change(['scale', 'deployment/shop', '--replicas=2', '--current-replicas=5'], { replicas: 2, ready: 1 }),
      ],
    })
    const work = await executor.dispatch(scale(5))
    await executor.attempt(work)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed' })
  })

  it.each([-1, 1_001, 1e6, 1.5])('refuses %d replicas', async (replicas) => {
    await using executor = await withCluster({ reading: deployment(), changes: [] })
    expect(await executor.run(scale(replicas))).toMatchObject({ outcome: 'failed', effect: 'none' })
    expect(executor.client.calls()).toEqual([])
  })

  it("tells policy of the cluster's own namespaces", async () => {
    await using executor = await withCluster({ reading: deployment(), changes: [] }, 'kube-system')
    const inspect = inspectAction({ world: executor.world })
    const { action } = await executor.dispatch(scale(3))
    const scope = { deadline: performance.now() + 10_000 } as Parameters<typeof inspect>[1]
    const execution_id = '0197a8b0-0000-7000-8000-000000000000' as Parameters<typeof inspect>[0]['execution_id']
    expect(await inspect({ execution_id, actions: [action] }, scope)).toMatchObject({
      inspections: [
        { inspection: { environment: 'cluster', state_before: 'replicas:2', reversibility: 'compensable' } },
      ],
    })
  })
})

describe('rolling out', () => {
  const UNDO = ['rollout', 'undo', 'deployment/shop', '--to-revision=4']

  it('a new image is done when all runs of it, and is rolled back to the revision before', async () => {
    await using executor = await withCluster({
      reading: deployment(),
      changes: [
        change(['set', 'image', 'deployment/shop', 'shop=shop:2'], { revision: 5, image: 'shop:2' }),
        change(UNDO, { revision: 6, image: 'shop:1' }),
      ],
    })
    const work = await executor.dispatch(rollout({ image: 'shop:2' }))
    expect(await executor.attempt(work)).toMatchObject({
      outcome: 'done',
      evidence: { observed: 'shop is shop:2; revision 5, 2 of 2 replicas are ready' },
    })
    expect(await executor.run(rollout({ image: 'shop:2' }))).toMatchObject({ effect: 'none' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
  })

  it('that hangs fails, and what it left is rolled back', async () => {
    await using executor = await withCluster({
      reading: deployment(),
      changes: [
        change(['set', 'image', 'deployment/shop', 'shop=shop:bad'], { revision: 5, image: 'shop:bad', ready: 1 }),
        change(UNDO, { revision: 6, image: 'shop:1' }),
      ],
    })
    const work = await executor.dispatch(rollout({ image: 'shop:bad' }))
    expect(await executor.attempt(work)).toMatchObject({
      outcome: 'failed',
      effect: 'made',
      error: { code: 'verification_failed' },
    })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
  })

  it('without an image replaces the pods', async () => {
    await using executor = await withCluster({
      reading: deployment(),
      changes: [change(['rollout', 'restart', 'deployment/shop'], { revision: 5 })],
    })
    expect(await executor.run(rollout())).toMatchObject({ outcome: 'done', evidence: { facts: { revision: '5' } } })
  })

  it.each([
    ['an image that is an option', { image: '--kubeconfig=/etc/passwd' }, 'invalid_request'],
    ['an image with a space', { image: 'shop:1 evil' }, 'invalid_request'],
    ['a container that is not there', { image: 'shop:2', container: 'sidecar' }, 'invalid_request'],
    ['a container that is an option', { image: 'shop:2', container: '-x' }, 'invalid_request'],
  ])('refuses %s', async (_, more, code) => {
    await using executor = await withCluster({ reading: deployment(), changes: [] })
    expect(await executor.run(rollout(more))).toMatchObject({ outcome: 'failed', effect: 'none', error: { code } })
  })
})

describe('a service that is a deployment', () => {
  it('is stopped to none, and started to as many as there were', async () => {
    await using executor = await withCluster({
      reading: deployment({ replicas: 3 }),
      changes: [
        change(['annotate', 'deployment/shop', '--overwrite', 'deed/replicas=3'], { replicas: 3, kept: 3 }),
        change(['scale', 'deployment/shop', '--replicas=0'], { replicas: 0, kept: 3 }),
        change(['scale', 'deployment/shop', '--replicas=3'], { replicas: 3, kept: 3 }),
        change(['rollout', 'restart', 'deployment/shop'], { replicas: 3, revision: 5, kept: 3 }),
      ],
    })
    const work = await executor.dispatch({ kind: 'service.stop', input: { target: 'shop' } })
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(await executor.run({ kind: 'service.restart', input: { target: 'shop' }, already_so: 'run' })).toMatchObject(
      {
        outcome: 'done',
        evidence: { observed: 'shop runs as deployment/shop (revision 5); 3 of 3 replicas are ready' },
      },
    )
  })

  it('that cannot be reached passes, and is named', async () => {
    await using executor = await withCluster({
      reading: deployment(),
      changes: [
        change(['rollout', 'restart', 'deployment/shop'], undefined, {
          stderr: 'The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?\n',
          code: 1,
        }),
      ],
    })
    expect(await executor.run({ kind: 'service.restart', input: { target: 'shop' } })).toMatchObject({
      outcome: 'failed',
      error: { code: 'unavailable', retryable: true },
    })
  })
})

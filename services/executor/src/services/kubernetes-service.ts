/** A service that is a deployment: stopped is scaled to none, and how many there were is kept at the deployment itself. */
import { defined } from '@deed/proto/json'
import type { World } from '../kind/kind.ts'
import { environmentOf, type KubernetesTarget, kubectl, REPLICAS_ANNOTATION } from './kubectl.ts'
import { LINES_READ_MAX, linesWithTimestamps } from './log-lines.ts'
import { podsOf } from './pods.ts'
import type { ServiceProvider } from './service-provider.ts'

const ROLLED_OUT_MS_MAX = 120_000

export function kubernetesService(world: World, target: KubernetesTarget): ServiceProvider {
  const cluster = kubectl(world, target)
  const { deployment } = cluster
  const scale = async (replicas: number, signal: AbortSignal): Promise<void> => {
    await cluster.run(['scale', deployment, `--replicas=${replicas}`], signal)
    await cluster.waitRolledOut(ROLLED_OUT_MS_MAX, signal)
  }
  return {
    environment: environmentOf(target),
    stableForMs: target.stable_for,
    stopsBy: 'is scaled to none: its pods get SIGTERM, then SIGKILL after their terminationGracePeriodSeconds',
    async resolves(signal) {
      const { images } = await cluster.get(signal)
      return Object.fromEntries(Object.entries(images).map(([container, image]) => [`image.${container}`, image]))
    },
    async state(signal) {
      const { uid, revision, replicas, ready, selector, ...deployed } = await cluster.get(signal)
      if (replicas === 0 && deployed.rolledOut) return {}
      const pods = selector === undefined ? undefined : await podsOf(cluster, selector, signal)
      const doubts = [...deployed.doubts, ...(pods?.doubts ?? [])]
      const text = [`${ready} of ${replicas} replicas are ready`, ...doubts].join('; ')
      return {
        running: {
          state: `running:${uid}:${revision}`,
          text: `${deployment} (revision ${revision})`,
          ...(pods === undefined ? {} : { restarts: pods.restarts }),
          ...defined({ ageMs: pods?.ageMs }),
        },
        health: { ok: doubts.length === 0 && replicas > 0, text },
      }
    },
    async logs(from, signal) {
      const { selector } = await cluster.get(signal)
      const pods =
        selector === undefined ? [deployment] : [`--selector=${selector}`, '--max-log-requests=20', '--ignore-errors']
      const since = from === undefined ? [] : [`--since-time=${new Date(from).toISOString()}`]
      const read = [
        'logs',
        ...pods,
        '--all-containers',
        '--prefix',
        '--timestamps',
        `--tail=${LINES_READ_MAX}`,
        ...since,
      ]
      return linesWithTimestamps((await cluster.run(read, signal)).stdout)
    },
    async start(signal) {
      const { replicas, savedReplicas } = await cluster.get(signal)
      if (replicas > 0) await cluster.waitRolledOut(ROLLED_OUT_MS_MAX, signal)
      else await scale(savedReplicas ?? 1, signal)
    },
    async stop(signal) {
      const { replicas } = await cluster.get(signal)
      if (replicas === 0) return undefined
      await cluster.run(['annotate', deployment, '--overwrite', `${REPLICAS_ANNOTATION}=${replicas}`], signal)
      await scale(0, signal)
      return undefined
    },
    async restart(signal) {
      const { replicas, savedReplicas } = await cluster.get(signal)
      if (replicas === 0) return scale(savedReplicas ?? 1, signal)
      await cluster.run(['rollout', 'restart', deployment], signal)
      await cluster.waitRolledOut(ROLLED_OUT_MS_MAX, signal)
    },
  }
}

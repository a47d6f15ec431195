/** A deployment of a Kubernetes cluster, through the `kubectl` client. */
import type { Target } from '@deed/config/execution-config'
import { hashJson } from '@deed/mesh/canonical-json'
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import type { World } from '../kinds/kind.ts'
import { targetOf } from '../target-of.ts'
import { type ClientEnded, runClient } from './client-program.ts'

export type KubernetesTarget = Extract<Target, { type: 'kubernetes' }>

export const REPLICAS_MAX = 1_000
const REQUEST_SECONDS = 15
/** Where `service.stop` keeps how many there were. */
export const REPLICAS_ANNOTATION = 'deed/replicas'

export interface Deployment {
  readonly uid: string
  readonly revision: string
  /** Wanted. */
  readonly replicas: number
  readonly ready: number
  /** Whether all that runs is of the newest template, is ready, and is as many as wanted. */
  readonly rolledOut: boolean
  readonly images: Readonly<Record<string, string>>
  /** Of the template that its pods are made of, as a hash. */
  readonly template: string
  /** How many there were when it was stopped. */
  readonly replicasKept: number | undefined
}

export interface Kubectl {
  readonly deployment: string
  /** @throws {DeedError} `not_found`, `unavailable` */
  get(signal: AbortSignal): Promise<Deployment>
  run(args: readonly string[], signal: AbortSignal): Promise<ClientEnded>
  /** Waits until it is rolled out or the time is up; which of the two, an observation says. */
  waitRolledOut(withinMs: number, signal: AbortSignal): Promise<void>
}

/** @throws {DeedError} `unknown_target` */
export const kubernetesTarget = ({ config }: Pick<World, 'config'>, name: string): KubernetesTarget =>
  targetOf(config.targets, name, ['kubernetes'], 'of Kubernetes')

/** What policy knows the target by. The cluster's own namespaces are `cluster`, whatever the configuration calls them. */
export const environmentOf = ({ namespace, environment }: KubernetesTarget): string | undefined =>
  namespace.startsWith('kube-') ? 'cluster' : environment

export function kubectl(world: World, { context, namespace, deployment }: KubernetesTarget): Kubectl {
  const where = [
    ...(context === undefined ? [] : [`--context=${context}`]),
    `--namespace=${namespace}`,
    `--request-timeout=${REQUEST_SECONDS}s`,
  ]
  const resource = `deployment/${deployment}`
  const run: Kubectl['run'] = (args, signal) => runClient(world, 'kubectl', [...where, ...args], signal)
  return {
    deployment: resource,
    run,
    async get(signal) {
      try {
        return deploymentOf(JSON.parse((await run(['get', resource, '--output=json'], signal)).stdout) as Raw)
      } catch (error) {
        if (error instanceof DeedError && /\(NotFound\)/.test(error.message))
          throw new DeedError('not_found', `there is no deployment ${deployment} in ${namespace}`)
        throw error
      }
    },
    async waitRolledOut(withinMs, signal) {
      const seconds = Math.max(1, Math.floor(withinMs / 1_000))
      try {
        await runClient(
          world,
          'kubectl',
          [
            ...where.filter((arg) => !arg.startsWith('--request-timeout')),
            'rollout',
            'status',
            resource,
            `--timeout=${seconds}s`,
          ],
          signal,
        )
      } catch (error) {
        if (!(error instanceof DeedError) || error.code !== 'effect_failed') throw error
      }
    },
  }
}

interface Raw {
  metadata: { uid: string; generation: number; annotations?: Record<string, string> }
  spec: { replicas?: number; template: { spec: { containers: { name: string; image: string }[] } } }
  status?: { observedGeneration?: number; replicas?: number; updatedReplicas?: number; readyReplicas?: number }
}

function deploymentOf({ metadata, spec, status = {} }: Raw): Deployment {
  const replicas = spec.replicas ?? 1
  const { observedGeneration = 0, replicas: existing = 0, updatedReplicas = 0, readyReplicas = 0 } = status
  const kept = Number(metadata.annotations?.[REPLICAS_ANNOTATION])
  return {
    uid: metadata.uid,
    revision: metadata.annotations?.['deployment.kubernetes.io/revision'] ?? '0',
    replicas,
    ready: readyReplicas,
    rolledOut:
      observedGeneration >= metadata.generation &&
      updatedReplicas === replicas &&
      existing === replicas &&
      readyReplicas === replicas,
    images: Object.fromEntries(spec.template.spec.containers.map(({ name, image }) => [name, image])),
    template: hashJson(spec.template as unknown as Json),
    replicasKept: Number.isInteger(kept) && kept > 0 && kept <= REPLICAS_MAX ? kept : undefined,
  }
}

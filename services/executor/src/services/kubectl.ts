/** A deployment of a Kubernetes cluster, through the `kubectl` client. */
import type { Target } from '@deed/config/targets'
import { hashJson } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import { z } from 'zod'
import type { World } from '../kind/kind.ts'
import { targetOf } from '../kind/target-of.ts'
import { type ClientEnded, parseAnswer, runClient } from './client-program.ts'

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
  /** Whether all that runs is of the newest template, is ready and available, and is as many as wanted. */
  readonly rolledOut: boolean
  /** Why it is not, in words. */
  readonly doubts: readonly string[]
  readonly images: Readonly<Record<string, string>>
  /** Of its pods, in the words of `kubectl get --selector`; undefined: they are not chosen by labels alone. */
  readonly selector: string | undefined
  /** Of the template that its pods are made of, as a hash. */
  readonly template: string
  /** How many there were when it was stopped. */
  readonly savedReplicas: number | undefined
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
        return deploymentOf((await run(['get', resource, '--output=json'], signal)).stdout)
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

const Count = z.int().min(0).default(0)

/** What is read of a deployment. What Kubernetes leaves out of a status is 0. */
const Raw = z.object({
  metadata: z.object({
    uid: z.string(),
    generation: z.int(),
    annotations: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.string().optional(),
  }),
  spec: z.object({
    replicas: z.int().min(0).default(1),
    paused: z.boolean().default(false),
    selector: z
      .object({
        matchLabels: z.record(z.string(), z.string()).default({}),
        matchExpressions: z.array(z.unknown()).default([]),
      })
      .prefault({}),
    template: z.looseObject({
      spec: z.looseObject({ containers: z.array(z.looseObject({ name: z.string(), image: z.string() })) }),
    }),
  }),
  status: z
    .object({
      observedGeneration: z.int().default(0),
      replicas: Count,
      updatedReplicas: Count,
      readyReplicas: Count,
      availableReplicas: Count,
      unavailableReplicas: Count,
      /** Of newer clusters: pods that are on their way out. */
      terminatingReplicas: Count,
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), reason: z.string().default('no reason') }))
        .default([]),
    })
    .prefault({}),
})
type Raw = z.output<typeof Raw>

/** By the type of a condition, the status that is the good one. */
const GOOD: Readonly<Record<string, string>> = { Progressing: 'True', Available: 'True', ReplicaFailure: 'False' }

/** @throws {DeedError} `unavailable` when the text is no deployment */
function deploymentOf(text: string): Deployment {
  const { metadata, spec, status } = parseAnswer('kubectl', Raw, text)
  const kept = Number(metadata.annotations[REPLICAS_ANNOTATION])
  const doubts = doubtsOf({ metadata, spec, status })
  const { matchLabels, matchExpressions } = spec.selector
  const labels = matchExpressions.length === 0 ? Object.entries(matchLabels) : []
  return {
    uid: metadata.uid,
    revision: metadata.annotations['deployment.kubernetes.io/revision'] ?? '0',
    replicas: spec.replicas,
    ready: status.readyReplicas,
    rolledOut: doubts.length === 0,
    doubts,
    images: Object.fromEntries(spec.template.spec.containers.map(({ name, image }) => [name, image])),
    selector: labels.length === 0 ? undefined : labels.map(([name, value]) => `${name}=${value}`).join(','),
    template: hashJson(spec.template as unknown as Json),
    savedReplicas: Number.isInteger(kept) && kept > 0 && kept <= REPLICAS_MAX ? kept : undefined,
  }
}

/** Each thing of the answer that says that it is not what it is to be. */
function doubtsOf({ metadata, spec, status }: Raw): string[] {
  const wanted = spec.replicas
  const counts = [
    { count: status.replicas, what: 'there' },
    { count: status.updatedReplicas, what: 'of the newest template' },
    { count: status.readyReplicas, what: 'ready' },
    { count: status.availableReplicas, what: 'available' },
  ]
  return [
    ...(metadata.deletionTimestamp === undefined ? [] : ['it is being deleted']),
    ...(spec.paused ? ['its rollout is paused'] : []),
    ...(status.observedGeneration < metadata.generation
      ? [`the cluster has seen generation ${status.observedGeneration}, not ${metadata.generation}`]
      : []),
    ...counts.filter(({ count }) => count !== wanted).map(({ count, what }) => `${count} of ${wanted} are ${what}`),
    ...(status.unavailableReplicas > 0 ? [`${status.unavailableReplicas} are unavailable`] : []),
    ...(status.terminatingReplicas > 0 ? [`${status.terminatingReplicas} have not ended yet`] : []),
    ...status.conditions
      .filter(({ type, status }) => type in GOOD && status !== GOOD[type])
      .map(({ type, status, reason }) => `${type} is ${status} (${reason})`),
  ]
}

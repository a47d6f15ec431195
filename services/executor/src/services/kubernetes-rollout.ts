/**
 * kubernetes.rollout: a new image for a deployment, or its pods replaced, and the wait until all are ready. Undone by rolling
 * back to the revision that was there.
 */
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import type { Before, Context, Kind } from '../kind/kind.ts'
import { failed, verified } from '../kind/seen.ts'
import { type Deployment, environmentOf, kubectl, kubernetesTarget } from './kubectl.ts'

/** The part of the action's time that is waited; the rest is for looking. */
const WAITED = 0.8

const Input = z.strictObject({
  target: z.string().min(1).max(256),
  /** Absent: the pods are replaced by pods of the same image. */
  image: z
    .string()
    .max(512)
    .regex(/^[a-z0-9][A-Za-z0-9._/:@-]*$/, 'is no name of an image')
    .optional(),
  /** Absent: the deployment's only one. */
  container: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
    .optional(),
})
export type KubernetesRollout = z.output<typeof Input>

export type RolloutBefore = Before & {
  revision: string
  /** Of what the pods are made of, as a hash. */
  template: string
  /** Whose image changes; null: it is a restart. */
  container: string | null
}

export type RolloutAfter = { template: string }

export const kubernetesRollout: Kind<KubernetesRollout, RolloutBefore, RolloutAfter> = {
  name: 'kubernetes.rollout',
  version: 1,
  input: Input,
  idempotent: false,
  example: { target: 'shop', image: 'registry.example.com/shop:1.4.2' },
  effectOf: () => 'change',
  summary: ({ target, image }) =>
    image === undefined ? `restart the pods of ${target}` : `roll ${image} out to ${target}`,
  async before(input, context) {
    const found = await clusterOf(input, context).get(context.signal)
    const { revision, template } = found
    return { state: `revision:${revision}`, revision, template, container: containerOf(input, found) }
  },
  reversibility: () => 'compensable',
  mayHoldAlready: ({ image }) => image !== undefined,
  postcondition: () => ({ kind: 'own_observation' }),
  async observe(input, context, { container, revision }) {
    const found = await clusterOf(input, context).get(context.signal)
    const facts = { revision: found.revision, ready: found.ready, replicas: found.replicas }
    const ready = `revision ${found.revision}, ${found.ready} of ${found.replicas} replicas are ready`
    if (container === null)
      return found.rolledOut && found.revision !== revision ? verified(ready, facts) : failed(ready, facts)
    const observed = `${container} is ${found.images[container]}; ${ready}`
    return found.images[container] === input.image && found.rolledOut
      ? verified(observed, facts)
      : failed(observed, facts)
  },
  async execute(input, context, { container }) {
    const cluster = clusterOf(input, context)
    const { signal, action } = context
    context.begin()
    await cluster.run(
      container === null
        ? ['rollout', 'restart', cluster.deployment]
        : ['set', 'image', cluster.deployment, `${container}=${input.image}`],
      signal,
    )
    await cluster.waitRolledOut(action.timeout_ms * WAITED, signal)
    const { template, revision } = await cluster.get(signal)
    const text = `rolled ${input.image ?? 'new pods'} out to ${input.target} as revision ${revision}`
    return { claimed: text, result: { text, data: { target: input.target, revision } }, after: { template } }
  },
  async compensate(input, context, { revision }) {
    const cluster = clusterOf(input, context)
    context.begin()
    await cluster.run(['rollout', 'undo', cluster.deployment, `--to-revision=${revision}`], context.signal)
    await cluster.waitRolledOut(context.action.timeout_ms * WAITED, context.signal)
    return `rolled ${input.target} back to revision ${revision}`
  },
  async targetState(input, context, before, after) {
    const found = await clusterOf(input, context).get(context.signal)
    const observed = `revision ${found.revision}, ${found.ready} of ${found.replicas} replicas are ready`
    // What rolls back becomes a revision of its own, made of the same.
    if (found.template === before.template) return { at: found.rolledOut ? 'before' : 'after', observed }
    if (!after) return { at: 'unknown', observed }
    return { at: found.template === after.template ? 'after' : 'elsewhere', observed }
  },
  environment: ({ target }, world) => environmentOf(kubernetesTarget(world, target)),
}

const clusterOf = ({ target }: KubernetesRollout, { world }: Context) => kubectl(world, kubernetesTarget(world, target))

function containerOf({ image, container }: KubernetesRollout, { images }: Deployment): string | null {
  if (image === undefined) return null
  const names = Object.keys(images)
  if (container === undefined && names.length > 1)
    throw new DeedError('invalid_request', `name the container; there are ${names.join(', ')}`)
  const meant = container ?? names[0]!
  if (!names.includes(meant))
    throw new DeedError('invalid_request', `there is no container ${meant}; there are ${names.join(', ')}`)
  return meant
}

/** kubernetes.scale: how many replicas a deployment has. Undone by setting the old number. */
import { counted } from '@deed/config/counted'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import type { Before, Context, Kind } from '../kind/kind.ts'
import { failed, verified } from '../kind/seen.ts'
import { environmentOf, kubectl, kubernetesTarget, REPLICAS_MAX } from './kubectl.ts'

/** The part of the action's time that is waited; the rest is for looking. */
const WAITED = 0.8

const Input = z.strictObject({ target: z.string().min(1).max(256), replicas: z.int().min(0).max(REPLICAS_MAX) })
export type KubernetesScale = z.output<typeof Input>

export type ScaleBefore = Before & {
  replicas: number
  /** Absent: they were all ready, as they must be again after an undo. */
  unready?: true
}

export const kubernetesScale: Kind<KubernetesScale, ScaleBefore> = {
  name: 'kubernetes.scale',
  version: 1,
  input: Input,
  idempotent: true,
  example: { target: 'shop', replicas: 3 },
  effectOf: () => 'change',
  summary: ({ target, replicas }) => `scale ${target} to ${counted(replicas, 'replica')}`,
  async before({ target }, context) {
    const { replicas, rolledOut } = await clusterOf(target, context).get(context.signal)
    return { state: `replicas:${replicas}`, replicas, ...(rolledOut ? {} : { unready: true }) }
  },
  reversibility: () => 'compensable',
  mayHoldAlready: ({ replicas }, before) => before.replicas === replicas,
  postcondition: () => ({ kind: 'own_observation' }),
  async observe({ target, replicas }, context) {
    const found = await clusterOf(target, context).get(context.signal)
    const observed = `${found.ready} of ${found.replicas} replicas are ready`
    const facts = { replicas: found.replicas, ready: found.ready }
    return found.replicas === replicas && found.rolledOut ? verified(observed, facts) : failed(observed, facts)
  },
  async execute({ target, replicas }, context, before) {
    await scale(target, { from: before.replicas, to: replicas }, context)
    const text = `scaled ${target} from ${before.replicas} to ${counted(replicas, 'replica')}`
    return { claimed: text, result: { text, data: { target, replicas, old_replicas: before.replicas } } }
  },
  async compensate({ target, replicas }, context, before) {
    await scale(target, { from: replicas, to: before.replicas }, context)
    return `scaled ${target} back to ${counted(before.replicas, 'replica')}`
  },
  async targetState({ target, replicas }, context, before) {
    const found = await clusterOf(target, context).get(context.signal)
    const observed = `${found.ready} of ${found.replicas} replicas are ready`
    // As many as before, and not ready, is not what was there before.
    if (found.replicas === before.replicas)
      return { at: found.rolledOut || before.unready ? 'before' : 'after', observed }
    return { at: found.replicas === replicas ? 'after' : 'elsewhere', observed }
  },
  environment: ({ target }, world) => environmentOf(kubernetesTarget(world, target)),
}

const clusterOf = (target: string, { world }: Context) => kubectl(world, kubernetesTarget(world, target))

/** The cluster itself refuses when there are not as many as were met: somebody else has scaled it meanwhile. */
async function scale(target: string, { from, to }: { from: number; to: number }, context: Context): Promise<void> {
  const cluster = clusterOf(target, context)
  const { signal, action } = context
  const { replicas } = await cluster.get(signal)
  if (replicas !== to) {
    context.begin()
    try {
      await cluster.run(['scale', cluster.deployment, `--replicas=${to}`, `--current-replicas=${from}`], signal)
    } catch (error) {
      if (!(error instanceof DeedError) || !/Expected replicas to be/i.test(error.message)) throw error
      context.nothingDone()
      throw new DeedError('precondition_failed', `somebody has scaled ${target} just now; plan again`, { cause: error })
    }
  }
  await cluster.waitRolledOut(action.timeout_ms * WAITED, signal)
}

/** Checks that a plan does what the words of its task say, as far as rules understand them. */
import type { JsonObject } from '@deed/proto/json'
import { mayChange } from '@deed/proto/kinds'
import type { Operation, OperationName } from '../rules/operation-of.ts'

interface Step {
  readonly kind: string
  readonly name: string
  readonly input: JsonObject
}

/** Each entry is one way of doing it: the kinds that the plan must contain, in this order. */
const WAYS: Readonly<Record<OperationName, readonly (readonly string[])[]>> = {
  start: [['service.start'], ['service.restart'], ['kubernetes.scale']],
  stop: [['service.stop'], ['kubernetes.scale']],
  restart: [['service.restart'], ['service.stop', 'service.start'], ['kubernetes.rollout']],
}

/** @returns what is wrong with the plan, phrased for the model that repairs it */
export function strayFrom(operation: Operation | undefined, steps: readonly Step[]): string | undefined {
  if (!operation) return undefined
  const { name, target, whole } = operation
  const asked = `the task says to ${name} ${target}`
  const kinds = steps.filter(({ input }) => input.target === target).map(({ kind }) => kind)
  if (!WAYS[name].some((way) => isWithin(way, kinds))) {
    return `${asked}, but no action does; use service.${name} with the target ${JSON.stringify(target)}`
  }
  const other = steps.find(({ kind, input }) => mayChange(kind, input) && input.target !== target)
  return whole && other ? `${other.name}: ${asked} and nothing else; remove ${other.kind}` : undefined
}

function isWithin(way: readonly string[], kinds: readonly string[]): boolean {
  let at = 0
  for (const kind of kinds) if (kind === way[at]) at++
  return at === way.length
}

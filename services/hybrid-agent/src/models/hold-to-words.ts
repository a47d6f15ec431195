/** Whether a plan has anything to do with the words of its task, as far as rules can tell. */
import type { JsonObject } from '@deed/proto/json'
import { mayChange } from '@deed/proto/kinds'
import type { Operation, OperationName } from '../rules/operation-of.ts'

interface Step {
  readonly kind: string
  readonly name: string
  readonly input: JsonObject
}

/** Each a way of doing it: the kinds that must come, in this order. */
const WAYS: Readonly<Record<OperationName, readonly (readonly string[])[]>> = {
  start: [['service.start'], ['service.restart'], ['kubernetes.scale']],
  stop: [['service.stop'], ['kubernetes.scale']],
  restart: [['service.restart'], ['service.stop', 'service.start'], ['kubernetes.rollout']],
}

/** @returns what is wrong with the plan, for a model to mend */
export function strayFrom(operation: Operation | undefined, steps: readonly Step[]): string | undefined {
  if (!operation) return undefined
  const { name, target, whole } = operation
  const asked = `the task says to ${name} ${target}`
  const kinds = steps.filter(({ input }) => input.target === target).map(({ kind }) => kind)
  if (!WAYS[name].some((way) => isWithin(way, kinds))) {
    return `${asked}, and no action does; use service.${name} with the target ${JSON.stringify(target)}`
  }
  const other = steps.find(({ kind, input }) => mayChange(kind, input) && input.target !== target)
  return whole && other ? `${other.name}: ${asked} and nothing else; leave out ${other.kind}` : undefined
}

function isWithin(way: readonly string[], kinds: readonly string[]): boolean {
  let at = 0
  for (const kind of kinds) if (kind === way[at]) at++
  return at === way.length
}

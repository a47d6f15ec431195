/** The target of execution.yaml that an action names. */
import type { ExecutionConfig } from '@deed/config/execution-config'
import { nearest } from '@deed/config/nearest'
import type { Target } from '@deed/config/targets'
import { DeedError } from '@deed/proto/errors'

type Targets = ExecutionConfig['targets']

/**
 * @param types those that it may be of
 * @param what it is to be, as in `a database`
 * @throws {DeedError} `unknown_target`, with the name that was most likely meant
 */
export function targetOf<Type extends Target['type']>(
  targets: Targets,
  name: string,
  types: readonly Type[],
  what: string,
): Extract<Target, { type: Type }> {
  const isOne = (target: Target): target is Extract<Target, { type: Type }> =>
    (types as readonly string[]).includes(target.type)
  const target = Object.hasOwn(targets, name) ? targets[name] : undefined
  if (target && isOne(target)) return target
  if (target) throw new DeedError('unknown_target', `${name} is a target of type ${target.type}, not ${what}`)
  const known = Object.entries(targets).flatMap(([one, other]) => (isOne(other) ? [one] : []))
  const meant = nearest(name, known)
  throw new DeedError(
    'unknown_target',
    `execution.yaml has no target ${JSON.stringify(name)}${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
  )
}

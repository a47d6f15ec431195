/** Ids as people type them: whole, or the last digits, which tell ids of one moment apart. */
import type { Bus } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import { findId, type IdOwner } from '@deed/proto/find-id'
import { InvalidArgumentError } from 'commander'
import { UsageError } from './exit-code.ts'

const WHOLE = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/
const ENDING = /^[0-9a-f]{4,12}$/

/** Of an option or an argument. */
export function idText(text: string): string {
  const given = text.trim().toLowerCase()
  if (WHOLE.test(given) || ENDING.test(given)) return given
  throw new InvalidArgumentError('must be an id: whole, or its last 4 to 12 digits')
}

/**
 * The whole id.
 *
 * @param of whose it may be, as the error names them
 * @throws {UsageError} where it is no id, or several end so
 * @throws {DeedError} `not_found` where none ends so; whether there is one of a whole id is not asked
 */
export async function wholeId<Id extends string>(bus: Bus, of: readonly IdOwner[], text: string): Promise<Id> {
  const given = text.trim().toLowerCase()
  if (WHOLE.test(given)) return given as Id
  const owner = of.join(' or ')
  if (!ENDING.test(given)) {
    throw new UsageError(
      `${JSON.stringify(text)} is not the id of ${/^[aeiou]/.test(owner) ? 'an' : 'a'} ${owner}: give it whole, or its last 4 to 12 digits`,
    )
  }
  const { ids } = await bus.call(findId, { ending: given, of: [...of] })
  const [only, ...others] = ids
  if (only === undefined) throw new DeedError('not_found', `no ${owner} has an id that ends with ${given}`)
  if (others.length === 0) return only as Id
  throw new UsageError(`several ids end with ${given}; give more of the end:\n  ${ids.join('\n  ')}`)
}

/**
 * The conditions of a list that is asked for in several ways. Each way has an index of its own, and so a statement of its
 * own: a prepared one that served all of them would be planned for none.
 */

/** What the way is called, whether it is asked for, and what holds then; and else, which mentions the parameter all the same. */
export type Condition = readonly [word: string, asked: boolean, then: string, otherwise?: string]

/** @returns the conditions, and a name for the statement that has just these */
export function conditionsOf(conditions: readonly Condition[]): { name: string; where: string } {
  const asked = conditions.filter(([, given]) => given)
  return {
    name: asked.map(([word]) => `_${word}`).join(''),
    where: conditions.map(([, given, then, otherwise = 'true']) => `(${given ? then : otherwise})`).join(' and '),
  }
}

/**
 * Builds the conditions of a list with optional filters. Each combination is a statement of its own, so that it uses
 * its own index: one prepared statement for all would fit none.
 */

/**
 * The filter's name, whether it is used, its condition, and the condition otherwise, which must mention the parameter,
 * too.
 */
export type Condition = readonly [word: string, asked: boolean, then: string, otherwise?: string]

/** @returns the conditions, and a statement name for exactly this combination */
export function conditionsOf(conditions: readonly Condition[]): { name: string; where: string } {
  const asked = conditions.filter(([, given]) => given)
  return {
    name: asked.map(([word]) => `_${word}`).join(''),
    where: conditions.map(([, given, then, otherwise = 'true']) => `(${given ? then : otherwise})`).join(' and '),
  }
}

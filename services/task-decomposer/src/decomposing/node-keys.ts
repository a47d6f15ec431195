/** The content of a node as a hash: the same work has the same key in any plan, whatever its id is there. */
import { hashJson } from '@deed/json/canonical-json'
import type { GoalNode } from '@deed/proto/task'

const KEY_CHARS = 16

/**
 * The nodes with their keys, which cover the words, the proof, and the keys of everything that is waited for.
 *
 * @param nodes in dependency order
 */
export function keyed(nodes: readonly GoalNode[]): GoalNode[] {
  const keys = new Map<string, string>()
  return nodes.map((node) => {
    const { id, parent, kind, description, acceptance_criteria, check, language, method, verifies = [] } = node
    const keyOf = (other: string): string => keys.get(other) ?? ''
    const content = {
      kind,
      description: description.toWellFormed(),
      acceptance_criteria: acceptance_criteria.map((criterion) => criterion.toWellFormed()),
      ...{ check: check ?? null, language: language ?? null, method: method ?? null },
      parent: parent === undefined ? null : keyOf(parent),
      after: node.depends_on.map(keyOf).sort(),
      verifies: verifies.map(keyOf).sort(),
    }
    const key = hashJson(content)
      .replace(/^sha256:/, '')
      .slice(0, KEY_CHARS)
    keys.set(id, key)
    return { ...node, key }
  })
}

/** A plan as a tree: compounds with their tasks, what each waits for, and what proves it. */
import type { GoalNode } from '@deed/proto/task'
import { exposedLine } from '@deed/text/exposed-text'
import type { Paint } from '../terminal/paint.ts'

export function planTree(nodes: readonly GoalNode[], paint: Paint): string {
  const lines: string[] = []
  const put = (parent: string | undefined, indent: string): void => {
    const below = nodes.filter((node) => node.parent === parent)
    for (const [index, node] of below.entries()) {
      const last = index === below.length - 1
      const facts = factsOf(node)
      lines.push(
        `${indent}${last ? '└─ ' : '├─ '}${node.id}  ${exposedLine(node.title)}${facts === '' ? '' : `  ${paint('dim', facts)}`}`,
      )
      const inner = `${indent}${last ? '   ' : '│  '}`
      if (node.verifies)
        for (const criterion of node.acceptance_criteria) lines.push(`${inner}observes ${exposedLine(criterion)}`)
      put(node.id, inner)
    }
  }
  put(undefined, '')
  return lines.join('\n')
}

function factsOf({ kind, check, depends_on, verifies, method }: GoalNode): string {
  const proof =
    check === undefined || verifies
      ? undefined
      : check.by === 'kind'
        ? check.kinds.join(' or ')
        : check.by === 'criteria'
          ? 'proven by its criteria'
          : 'unverifiable as yet'
  return [
    ...(kind === 'compound' && method ? [method] : []),
    ...(proof === undefined ? [] : [proof]),
    ...(kind === 'task' && depends_on.length > 0 ? [`after ${depends_on.join(', ')}`] : []),
  ].join(', ')
}

/** The tasks that change nothing and observe what others have made. */
import { readCriterion } from '@deed/proto/criteria'
import type { GoalNode } from '@deed/proto/task'

/** A check of the finished work, in milliseconds. */
const CHECK_MS = 1_000

/** What the facts that these nodes make look like from outside; of two facts about one thing the later one counts. */
export function criteriaOf(nodes: readonly GoalNode[]): string[] {
  const said = new Map<string, string>()
  for (const { kind, makes = [] } of nodes) {
    if (kind !== 'task') continue
    for (const fact of makes) {
      const [, type = '', thing = ''] = /^([a-z]+) (.*)$/s.exec(fact) ?? []
      const sentence = SENTENCES[type]?.(thing)
      if (sentence === undefined || readCriterion(sentence).length === 0) continue
      const about = `${type === 'file' || type === 'absent' ? 'file' : 'service'} ${thing.toLowerCase()}`
      said.delete(about)
      said.set(about, sentence)
    }
  }
  return [...said.values()]
}

const SENTENCES: Readonly<Record<string, (thing: string) => string>> = {
  file: (path) => `${path} exists`,
  absent: (path) => `${path} does not exist`,
  running: (service) => `${service} is running`,
  stopped: (service) => `${service} is stopped`,
}

/**
 * A task that observes criteria once others are done.
 *
 * @param of the nodes whose outcome it observes
 * @param after the tasks that it waits for
 */
export function verifier(
  id: string,
  of: readonly string[],
  after: readonly string[],
  criteria: readonly string[],
): GoalNode {
  const observed = criteria.filter((criterion) => readCriterion(criterion).length > 0)
  return {
    id,
    kind: 'task',
    title: `Verify ${criteria.length === 1 ? 'the result' : `${criteria.length} criteria`}`,
    description: `Verify: ${criteria.join('; ')}`.slice(0, 65_536).toWellFormed(),
    depends_on: [...after],
    acceptance_criteria: [...criteria],
    estimated_ms: CHECK_MS,
    estimated_cost_usd: 0,
    capability: 'act',
    risk: 'low',
    check:
      observed.length > 0
        ? { by: 'criteria' }
        : { by: 'unverifiable', why: 'no criterion has a form that can be observed' },
    verifies: [...of],
  }
}

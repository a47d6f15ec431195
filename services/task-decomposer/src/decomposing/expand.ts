/**
 * Divides work by methods, as a total-order planner of hierarchical task networks does: a text that a method knows is
 * replaced by the method's steps, until operators know all of them, or nobody does. Then what makes a fact is put before
 * what needs it, and no two tasks make the same thing at once.
 */
import type { GoalNode, NodeCheck } from '@deed/proto/task'
import type { Language } from '@deed/proto/template'
import { type FoundOperator, findMethod } from '../methods/find-method.ts'
import type { Methods } from '../methods/method-pack.ts'
import { estimate } from './estimate.ts'
import { openingLength } from './imperatives.ts'
import type { Clause } from './order-clauses.ts'
import { shortened } from './plan-phases.ts'
import { criteriaOf, verifier } from './verifiers.ts'

/** A method that leads to itself ends here. */
const DEPTH_MAX = 8
export const NOBODY_KNOWS = 'no method knows these words; its actions say what proves it, once they are found'

interface Expansion {
  readonly methods: Methods
  readonly language: Language | undefined
  readonly nodes: GoalNode[]
}

/** @returns the nodes in dependency order; undefined if methods lead too deep */
export function expandClauses(
  clauses: readonly Clause[],
  methods: Methods,
  language: Language | undefined,
): GoalNode[] | undefined {
  const expansion: Expansion = { methods, language, nodes: [] }
  const ends: string[][] = []
  for (const [index, clause] of clauses.entries()) {
    const after = clause.after.flatMap((other) => ends[other] ?? [])
    const end = expand(expansion, clause, `task-${index + 1}`, undefined, after, 0)
    if (!end) return undefined
    ends.push(end)
  }
  return inOrderOfFacts(expansion.nodes)
}

/** Puts the nodes of a text in place. @returns those that whatever follows waits for */
function expand(
  expansion: Expansion,
  { title, text }: Pick<Clause, 'title' | 'text'>,
  id: string,
  parent: string | undefined,
  after: readonly string[],
  depth: number,
): string[] | undefined {
  if (depth > DEPTH_MAX) return undefined
  const { methods, language, nodes } = expansion
  const found = findMethod(methods, text.slice(openingLength(text)), language)
  const base = { id, ...(parent === undefined ? {} : { parent }), depends_on: [...after] }
  if (found?.type !== 'method') {
    nodes.push({ ...taskOf(base, text, found), title: shortened(title) })
    return [id]
  }
  const { check: _, ...compound } = taskOf(base, text, undefined)
  const at = nodes.push({ ...compound, kind: 'compound', method: found.id, estimated_ms: 0, title: shortened(title) })
  const ends = new Map<string, string[]>()
  let before = [...after]
  for (const step of found.steps) {
    const waits = step.after?.flatMap((other) => ends.get(other) ?? []) ?? before
    const first = waits.length === 0 ? after : waits
    const end = expand(expansion, { title: step.text, text: step.text }, `${id}.${step.id}`, id, first, depth + 1)
    if (!end) return undefined
    ends.set(step.id, end)
    before = end
  }
  const made = criteriaOf(nodes.slice(at))
  if (made.length === 0) return [...new Set([...ends.values()].flat())]
  const check = verifier(`${id}.verify`, [id], sinksOf(nodes.slice(at)), made)
  nodes.push({ ...check, parent: id })
  return [check.id]
}

/** A task of these words, with what is known of them. */
export function taskOf(
  base: Pick<GoalNode, 'id'> & Partial<GoalNode>,
  text: string,
  operator: FoundOperator | undefined,
): GoalNode {
  const description = operator?.text ?? text
  return {
    kind: 'task',
    title: shortened(description),
    description,
    depends_on: [],
    acceptance_criteria: [],
    ...estimate(description),
    capability: 'act',
    check: checkOf(operator),
    ...(operator === undefined ? {} : { method: operator.id, needs: [...operator.needs], makes: [...operator.makes] }),
    ...(operator?.language === undefined ? {} : { language: operator.language }),
    ...base,
  }
}

const checkOf = (operator: FoundOperator | undefined): NodeCheck =>
  operator === undefined ? { by: 'unverifiable', why: NOBODY_KNOWS } : { by: 'kind', kinds: [...operator.kinds] }

/** The tasks that no other one waits for. */
export function sinksOf(nodes: readonly GoalNode[]): string[] {
  const waited = new Set(nodes.flatMap(({ depends_on }) => depends_on))
  return nodes.filter(({ kind, id }) => kind === 'task' && !waited.has(id)).map(({ id }) => id)
}

/** The thing that a fact is about, where making it changes the world: two of these at once would be a race. */
const thingOf = (fact: string): string | undefined => {
  const [, type = '', thing = ''] = /^([a-z]+) (.*)$/s.exec(fact) ?? []
  if (type === 'file' || type === 'absent') return `file ${thing}`
  return type === 'running' || type === 'stopped' ? `service ${thing.toLowerCase()}` : undefined
}

export const thingsOf = ({ makes = [] }: Pick<GoalNode, 'makes'>): string[] =>
  makes.flatMap((fact) => thingOf(fact) ?? [])

/**
 * Adds the order that facts ask for. Only earlier nodes are waited for, so no cycle comes of it.
 *
 * @param nodes in dependency order
 */
export function inOrderOfFacts(nodes: readonly GoalNode[]): GoalNode[] {
  const before = new Map<string, ReadonlySet<string>>()
  const makers: GoalNode[] = []
  const lastOn = new Map<string, string>()
  return nodes.map((node) => {
    if (node.kind !== 'task') return node
    const waits = new Set(node.depends_on)
    const earlier = new Set(waits)
    for (const id of waits) for (const other of before.get(id) ?? []) earlier.add(other)
    const waitFor = (id: string): void => {
      if (earlier.has(id)) return
      waits.add(id)
      earlier.add(id)
      for (const other of before.get(id) ?? []) earlier.add(other)
    }
    // The latest first: what it waits for itself needs no edge of its own.
    for (const maker of makers.toReversed()) {
      if (node.needs?.some((need) => maker.makes?.some((fact) => meets(need, fact)))) waitFor(maker.id)
    }
    for (const thing of thingsOf(node)) {
      const last = lastOn.get(thing)
      if (last !== undefined) waitFor(last)
      lastOn.set(thing, node.id)
    }
    before.set(node.id, earlier)
    if (node.makes && node.makes.length > 0) makers.push(node)
    return waits.size === node.depends_on.length ? node : { ...node, depends_on: [...waits] }
  })
}

const meets = (need: string, fact: string): boolean =>
  need.endsWith('*')
    ? fact.toLowerCase().startsWith(need.slice(0, -1).toLowerCase())
    : fact.toLowerCase() === need.toLowerCase()

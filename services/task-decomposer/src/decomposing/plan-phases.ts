/**
 * Plans work that is too large for one step in five phases, each of which feeds the next: requirements, outline,
 * design, implementation, verification.
 */
import { readCriterion } from '@deed/proto/criteria'
import type { Complexity, GoalNode } from '@deed/proto/task'
import type { PhasePlan } from '../methods/method-pack.ts'
import { imperative, openingLength } from './imperatives.ts'
import { verifier } from './verifiers.ts'

const COMPONENTS_MAX = 12
const GOAL_CHARS_MAX = 32_768
const MAKING = new Set(
  'architect build create design develop implement make rewrite redesign scaffold write'.split(' '),
)
const REWORKING = new Set('migrate refactor restructure'.split(' '))
/** Large in any case. */
const LARGE = /\b(?:system|platform|marketplace|framework|ecosystem)\b/i
/** Large if it has several parts or is to be built completely. */
const MAYBE_LARGE =
  /\b(?:applications?|apps?|backend|frontend|website|web ?site|portal|engine|pipeline|services|microservices|solution|shop|store|suite|dashboard|crm|erp)\b/i
const WHOLE =
  /\b(?:complete|entire|full|full-stack|end-to-end|production-ready|enterprise|large|complex|scalable|distributed|multi-tenant)\b/i
const PARTS =
  /\b(?:with|including|includes|consisting of|comprising|featuring|for|that has|which has)\s{1,8}([^.;:\n]{3,600})/i

/**
 * Whether the work is planned in phases. Work of complexity `simple` never is, and neither is operating something that
 * exists: only building and reworking have phases.
 */
export function wantsPhases(goal: string, complexity: Complexity | undefined): boolean {
  if (complexity === 'simple') return false
  const verb = imperative(goal)
  if (verb === undefined) return false
  if (complexity === 'complex') return MAKING.has(verb) || REWORKING.has(verb)
  if (!MAKING.has(verb)) return false
  const head = goal.slice(0, 1_000)
  if (LARGE.test(head)) return true
  return MAYBE_LARGE.test(head) && (complexity === 'medium' || WHOLE.test(head) || components(goal).length > 1)
}

/** Goal, phases and tasks in dependency order. Each task leaves files that can be observed, and the last one observes all. */
export function planPhases(goal: string, criteria: readonly string[], plan: PhasePlan): GoalNode[] {
  const asked = goal.length > GOAL_CHARS_MAX ? `${goal.slice(0, GOAL_CHARS_MAX)} ...`.toWellFormed() : goal
  const parts = named(components(goal))
  const words = { work: workOf(goal), parts: parts.map(({ name }) => name).join(', ') }
  const nodes: GoalNode[] = [
    node({ id: 'goal', kind: 'goal', title: shortened(goal), description: asked, acceptance_criteria: [...criteria] }),
  ]
  let phaseBefore: string | undefined
  let before: string[] = []
  for (const { phase, title, steps } of plan) {
    const depends_on = phaseBefore === undefined ? [] : [phaseBefore]
    nodes.push(node({ id: phase, parent: 'goal', kind: 'phase', phase, title, description: title, depends_on }))
    let ofParts: Map<string, string> | undefined
    for (const step of steps) {
      const made = new Map<string, string>()
      for (const part of step.each_part ? parts : [undefined]) {
        const id = [phase, ...(part ? [part.id] : []), step.id].join('.')
        const own = part === undefined ? undefined : ofParts?.get(part.id)
        nodes.push(
          leaf({ id, parent: phase, phase, depends_on: own === undefined ? before : [own] }, step, asked, {
            ...words,
            ...(part ? { part: part.name, slug: part.id } : {}),
          }),
        )
        made.set(part?.id ?? '', id)
      }
      before = [...made.values()]
      ofParts = step.each_part ? made : undefined
    }
    phaseBefore = phase
  }
  const left = nodes.flatMap(({ kind, acceptance_criteria }) => (kind === 'task' ? acceptance_criteria : []))
  const check = verifier(`${phaseBefore}.verify`, ['goal'], before, [...new Set([...criteria, ...left])])
  return [...nodes, { ...check, parent: phaseBefore, phase: plan.at(-1)?.phase, title: 'Verify the result' }]
}

function leaf(
  place: Pick<GoalNode, 'id' | 'parent' | 'phase' | 'depends_on'>,
  { title, do: words, leaves, minutes, usd }: PhasePlan[number]['steps'][number],
  goal: string,
  values: Readonly<Record<string, string>>,
): GoalNode {
  const fill = (text: string): string => text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '')
  const criteria = leaves.map(fill)
  return node({
    ...place,
    kind: 'task',
    title: fill(title).slice(0, 512).toWellFormed(),
    description: `${fill(words)}\n\nThe goal: ${goal}`,
    acceptance_criteria: criteria,
    estimated_ms: Math.round(minutes * 60_000),
    estimated_cost_usd: usd,
    capability: 'solve',
    risk: 'medium',
    check: { by: 'criteria' },
    makes: [
      ...new Set(
        criteria.flatMap(readCriterion).flatMap((said) => (said.kind === 'file' ? [`file ${said.path}`] : [])),
      ),
    ],
  })
}

type Draft = Pick<GoalNode, 'id' | 'kind' | 'title' | 'description'> & Partial<GoalNode>

function node(draft: Draft): GoalNode {
  return {
    depends_on: [],
    acceptance_criteria: [],
    estimated_ms: 0,
    estimated_cost_usd: 0,
    capability: 'act',
    risk: 'low',
    ...draft,
  }
}

/** What the work is called, for the names of its files: "an inventory system with search" -> inventory-system. */
function workOf(goal: string): string {
  const said = goal.slice(openingLength(goal)).replace(/^[a-z]+\s+(?:me\s+)?(?:(?:an?|the|our)\s+)?/i, '')
  const head = said.slice(0, PARTS.exec(said)?.index ?? 200)
  return slug(head.split(/\s+/).slice(0, 5).join(' '), 'work')
}

/** The parts that the goal names: "with search, payments and an admin page". */
function components(goal: string): string[] {
  const listed = PARTS.exec(goal.slice(0, 4_000))?.[1] ?? ''
  const parts = listed
    .split(/\s*,\s*(?:and\s+)?|\s+and\s+/)
    .map((part) => part.replace(/^(?:an?|the|its|support for)\s+/i, '').trim())
    .filter((part) => part !== '' && part.length <= 80)
  return parts.length > 1 ? parts.slice(0, COMPONENTS_MAX) : []
}

/** Gives each part an id that is valid in a node's name; without named parts the whole is one part. */
function named(parts: readonly string[]): { id: string; name: string }[] {
  const taken = new Set<string>()
  return (parts.length > 0 ? parts : ['the whole']).map((name) => {
    const base = parts.length === 0 ? 'core' : slug(name)
    let id = base
    for (let count = 2; taken.has(id); count++) id = `${base}-${count}`
    taken.add(id)
    return { id, name }
  })
}

function slug(name: string, otherwise = 'part'): string {
  return (
    name
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 40)
      .replace(/^-|-$/g, '') || otherwise
  )
}

/** Shortens a text to one line. */
export function shortened(text: string): string {
  const line = text.slice(openingLength(text)).replace(/\s+/g, ' ').trim() || text.trim()
  const first = line.charAt(0).toUpperCase() + line.slice(1)
  return first.length <= 120 ? first : `${first.slice(0, 117).toWellFormed()}...`
}

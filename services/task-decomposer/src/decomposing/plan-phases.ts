/**
 * Plans work that is too large for one step in five phases, each of which feeds the next: requirements, outline,
 * design, implementation, verification.
 */
import { type Complexity, type GoalNode, PHASES, type Phase } from '@deed/proto/task'
import { imperative, openingLength } from './imperatives.ts'

const COMPONENTS_MAX = 12
const GOAL_CHARS_MAX = 32_768
/** One model call that elaborates a step. */
const THINK = { estimated_ms: 60_000, estimated_cost_usd: 0.02 }
const MAKE = { estimated_ms: 120_000, estimated_cost_usd: 0.05 }
const PROVE = { estimated_ms: 60_000, estimated_cost_usd: 0 }

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

/** Goal, phases and tasks in dependency order. */
export function planPhases(goal: string, criteria: readonly string[]): GoalNode[] {
  const asked = goal.length > GOAL_CHARS_MAX ? `${goal.slice(0, GOAL_CHARS_MAX)} ...`.toWellFormed() : goal
  const parts = named(components(goal))
  const nodes: GoalNode[] = [
    node({ id: 'goal', kind: 'goal', title: shortened(goal), description: asked, acceptance_criteria: [...criteria] }),
  ]
  const add = (phase: Phase, tasks: readonly Draft[]): void => {
    const before = PHASES[PHASES.indexOf(phase) - 1]
    nodes.push(
      node({
        id: phase,
        parent: 'goal',
        kind: 'phase',
        phase,
        title: TITLES[phase],
        description: TITLES[phase],
        depends_on: before === undefined ? [] : [before],
      }),
      ...tasks.map((task) =>
        node({ ...task, parent: phase, kind: 'task', phase, description: `${task.description}\n\nThe goal: ${asked}` }),
      ),
    )
  }
  add('specification', [
    {
      id: 'specification.requirements',
      title: 'Specify the requirements',
      description: 'Write down the requirements for the finished work, each with the observation that proves it.',
      acceptance_criteria: ['every requirement names an observation that proves it', ...criteria],
      capability: 'solve',
      ...THINK,
    },
  ])
  add(
    'pseudocode',
    parts.map(({ id, name }) => ({
      id: `pseudocode.${id}`,
      title: `Outline ${name}`,
      description: `Outline how ${name} works, step by step, with the possible failures of each step.`,
      depends_on: ['specification.requirements'],
      acceptance_criteria: ['every requirement of this part is covered by a step'],
      capability: 'solve',
      ...THINK,
    })),
  )
  add('architecture', [
    {
      id: 'architecture.design',
      title: 'Divide the work into parts',
      description: `State for each part its responsibility, its interface and its dependencies: ${parts.map(({ name }) => name).join(', ')}.`,
      depends_on: parts.map(({ id }) => `pseudocode.${id}`),
      acceptance_criteria: ['every dependency is provided by some part', 'no two parts have the same responsibility'],
      capability: 'solve',
      ...THINK,
    },
  ])
  add(
    'refinement',
    parts.flatMap(({ id, name }) => [
      {
        id: `refinement.${id}.implement`,
        title: `Implement ${name}`,
        description: `Implement ${name} as designed.`,
        depends_on: ['architecture.design'],
        acceptance_criteria: ['the parser of its language accepts it'],
        risk: 'medium' as const,
        ...MAKE,
      },
      {
        id: `refinement.${id}.test`,
        title: `Test ${name}`,
        description: `Write tests for ${name} that cover its requirements, and run them.`,
        depends_on: [`refinement.${id}.implement`],
        acceptance_criteria: ['the tests pass, and fail without the implementation'],
        ...MAKE,
      },
    ]),
  )
  add('completion', [
    {
      id: 'completion.integrate',
      title: 'Integrate the parts',
      description: 'Integrate the parts and run them as a whole.',
      depends_on: parts.map(({ id }) => `refinement.${id}.test`),
      acceptance_criteria: ['the whole starts and responds'],
      risk: 'medium',
      ...MAKE,
    },
    {
      id: 'completion.verify',
      title: 'Verify the result',
      description: 'Observe each requirement and each acceptance criterion on the finished work.',
      depends_on: ['completion.integrate'],
      acceptance_criteria: criteria.length > 0 ? [...criteria] : ['every requirement was observed to hold'],
      ...PROVE,
    },
  ])
  return nodes
}

const TITLES: Record<Phase, string> = {
  specification: 'Requirements',
  pseudocode: 'Outline',
  architecture: 'Design',
  refinement: 'The parts',
  completion: 'The whole',
}

type Draft = Pick<GoalNode, 'id' | 'title' | 'description'> & Partial<GoalNode>

function node(draft: Draft & Pick<GoalNode, 'kind'>): GoalNode {
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

function slug(name: string): string {
  return (
    name
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 40)
      .replace(/^-|-$/g, '') || 'part'
  )
}

/** Shortens a text to one line. */
export function shortened(text: string): string {
  const line = text.slice(openingLength(text)).replace(/\s+/g, ' ').trim() || text.trim()
  const first = line.charAt(0).toUpperCase() + line.slice(1)
  return first.length <= 120 ? first : `${first.slice(0, 117).toWellFormed()}...`
}

/** Checks that rules derive from a task's acceptance criteria or its words, never from the plan under check. */
import type { AgentTask, PlannedAction } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { Observation } from '@deed/proto/observation'
import { workspaceOf } from '../rules/decide.ts'
import { operationOf } from '../rules/operation-of.ts'
import { refusePathOutside } from '../rules/path-scope.ts'
import { isOfType, type World } from '../rules/vocabulary.ts'

/** How long a check may take to pass after the last action. */
const CHECK_MS_MAX = 30_000

const NAME = String.raw`(?:"([^"]+)"|\x60([^\x60]+)\x60|(\S+))`
const FORMS: readonly {
  pattern: RegExp
  observe: (name: string, text: string, world: World) => Observation | undefined
}[] = [
  {
    pattern: new RegExp(`^(?:the )?(?:folder|directory) ${NAME} (?:exists|is there)$`, 'i'),
    observe: (path) => ({ kind: 'dir', path, exists: true }),
  },
  {
    pattern: new RegExp(`^(?:the |a )?(?:file )?(?:called |named )?${NAME} (?:exists|is there)$`, 'i'),
    observe: (path) => (isPath(path) ? { kind: 'file', path, exists: true } : undefined),
  },
  {
    pattern: new RegExp(
      `^(?:the )?(?:file )?${NAME} (?:does not exist|doesn't exist|is gone|is deleted|is not there)$`,
      'i',
    ),
    observe: (path) => (isPath(path) ? { kind: 'file', path, exists: false } : undefined),
  },
  {
    pattern: new RegExp(`^(?:the )?(?:file )?${NAME} (?:contains|has) (?:the text )?"([^"]+)"$`, 'i'),
    observe: (path, contains) => (isPath(path) ? { kind: 'file', path, exists: true, contains } : undefined),
  },
  {
    pattern: new RegExp(`^(?:the )?(?:service )?${NAME} (?:is running|runs|is up|is started)$`, 'i'),
    observe: (name, _, world) => serviceIs(name, 'running', world),
  },
  {
    pattern: new RegExp(`^(?:the )?(?:service )?${NAME} (?:is stopped|is down|does not run|is not running)$`, 'i'),
    observe: (name, _, world) => serviceIs(name, 'stopped', world),
  },
]

/** A bare word is not taken for a path. */
const isPath = (text: string): boolean => /[./]/.test(text)

function serviceIs(name: string, state: 'running' | 'stopped', { targets }: World): Observation | undefined {
  const target = Object.keys(targets).find((one) => one.toLowerCase() === name.toLowerCase())
  return target !== undefined && isOfType(targets[target]?.type, 'service')
    ? { kind: 'service', target, state, new_process: false }
    : undefined
}

/**
 * Read-only actions that run after all others. Empty if any criterion, or any part of the words, is not understood: the
 * rest would prove only half of the task.
 */
export function checksOf(task: AgentTask, world: World, names: readonly string[]): PlannedAction[] {
  const { acceptance_criteria: criteria = [], description } = task
  const checks = criteria.length > 0 ? checksOfCriteria(criteria, world) : checkOfWords(description, world)
  return (checks ?? []).map(({ of, observation }, index) => ({
    name: freeName(`check-${index + 1}`, names),
    title: `check: ${of}`.slice(0, 512).toWellFormed(),
    action: {
      kind: 'wait.until',
      kind_version: 1,
      input: { observation: observation as never, within_ms: CHECK_MS_MAX },
      ...workspaceOf(task),
      checks: of,
      already_so: 'skip',
      observe_only: false,
      timeout_ms: 2 * CHECK_MS_MAX,
    },
    depends_on: [...names],
  }))
}

interface Check {
  readonly of: string
  readonly observation: Observation
}

function checksOfCriteria(criteria: readonly string[], world: World): Check[] | undefined {
  const checks = criteria.map((of) => ({ of, observation: observationOf(of, world) }))
  return checks.every((check): check is Check => check.observation !== undefined) ? checks : undefined
}

/** @returns undefined if no rule can check the criterion */
function observationOf(criterion: string, world: World): Observation | undefined {
  const said = criterion.trim().replace(/[.!]$/, '')
  for (const { pattern, observe } of FORMS) {
    const match = pattern.exec(said)
    if (!match) continue
    const [, quoted, code, bare, text = ''] = match
    const name = quoted ?? code ?? bare ?? ''
    const observation = observe(name, text, world)
    if (observation === undefined) continue
    try {
      if ('path' in observation) refusePathOutside(name, world)
      return observation
    } catch (error) {
      if (!(error instanceof DeedError)) throw error
    }
  }
  return undefined
}

/** The restart action itself proves that the process is new; this check proves the final state. */
function checkOfWords(description: string, world: World): Check[] | undefined {
  const operation = operationOf(description, world)
  if (!operation?.whole) return undefined
  const { name, target } = operation
  return [
    {
      of: `${name} ${target}`,
      observation: { kind: 'service', target, state: name === 'stop' ? 'stopped' : 'running', new_process: false },
    },
  ]
}

const freeName = (wanted: string, taken: readonly string[]): string =>
  taken.includes(wanted) ? freeName(`${wanted}-task`, taken) : wanted

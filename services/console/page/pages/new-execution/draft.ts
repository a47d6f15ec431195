/** What is requested, as the form has it, and as the mesh is asked. Pure. */
import type { Input, Output } from '../../app/contracts.ts'
import { oneOf, type Place, readQuery, words } from '../../app/router.ts'

export const PRIORITIES = ['low', 'normal', 'high'] as const
export const ON_FAILURE = { undo: 'undo what was done', ask: 'ask a person' } as const

export interface Draft {
  readonly task: string
  readonly workspace: string
  readonly target_file: string
  /** One in each line. */
  readonly criteria: string
  /** In dollars. */
  readonly budget: string
  readonly priority: (typeof PRIORITIES)[number]
  readonly on_failure: keyof typeof ON_FAILURE
}

const EMPTY: Draft = {
  task: '',
  workspace: '',
  target_file: '',
  criteria: '',
  budget: '',
  priority: 'normal',
  on_failure: 'undo',
}

/** Longer words are not in the address. */
const URL_CHARS_MAX = 2_000
const TYPES = {
  task: words(URL_CHARS_MAX),
  workspace: words(URL_CHARS_MAX),
  target_file: words(URL_CHARS_MAX),
  criteria: words(URL_CHARS_MAX),
  budget: words(16),
  priority: oneOf(PRIORITIES),
  on_failure: oneOf(['undo', 'ask']),
}

export const readDraft = (query: Place['query']): Draft => ({ ...EMPTY, ...readQuery(query, TYPES).values })

/** What differs from an empty form, for the address. */
export function queryOf(draft: Draft): Record<string, string> {
  const given = Object.entries(draft).filter(([name, value]) => value !== EMPTY[name as keyof Draft])
  return Object.fromEntries(given.filter(([, value]) => value.length <= URL_CHARS_MAX))
}

type Request = Input<'execution.request'>

/** @returns the request without its mode; or what is wrong with the form */
export function requestOf(draft: Draft): { request: Request } | { fault: string } {
  const { task, workspace, target_file, criteria, budget, priority, on_failure } = draft
  if (task.trim() === '') return { fault: 'Say in plain words what is to be done.' }
  const dollars = Number(budget.replace(/^\$/, ''))
  if (budget !== '' && !(dollars >= 0)) return { fault: 'The budget is a number of dollars, such as 0.50.' }
  const acceptance = criteria.split('\n').filter((line) => line.trim() !== '')
  const context = { ...(workspace && { workspace }), ...(target_file && { target_file }) }
  return {
    request: {
      task,
      priority,
      // Absent: undo.
      ...(on_failure === 'ask' ? { on_failure } : {}),
      ...(Object.keys(context).length > 0 ? { context } : {}),
      ...(acceptance.length > 0 ? { acceptance_criteria: acceptance } : {}),
      ...(budget === '' ? {} : { budget_usd: dollars }),
    },
  }
}

const SHOWN_MAX = 8

/** Sentences of this world that have all the words typed so far; those that begin with them first. */
export function sentencesFor(typed: string, packs: Output<'rules.list'>['packs'], max = SHOWN_MAX): string[] {
  const wanted = typed.toLowerCase().split(/\s+/).filter(Boolean)
  const all = packs.flatMap(({ rules }) => rules.flatMap(({ examples }) => examples))
  const found = [...new Set(all)].filter((sentence) => wanted.every((word) => sentence.toLowerCase().includes(word)))
  const begins = (sentence: string): number => (sentence.toLowerCase().startsWith(typed.trim().toLowerCase()) ? 0 : 1)
  return found.toSorted((a, b) => begins(a) - begins(b)).slice(0, max)
}

/** Orders the clauses of a text: those that follow "then" wait for all before them, the others run in parallel. */
import { changesNothing, concludes, imperative } from './imperatives.ts'
import { namesIn, objectsOf } from './objects.ts'

export interface Clause {
  /** The request, as it was written. */
  readonly title: string
  /** The clause with the context that it shares with others. */
  readonly text: string
  /** Indexes of the clauses that this one depends on. */
  readonly after: readonly number[]
}

export interface Step extends Pick<Clause, 'title' | 'text'> {
  /** Runs after the previous step; otherwise in parallel with it. */
  readonly inTurn: boolean
}

const SET = /\b(?:all|both|each|every|everything)\b/i

export function inOrder(steps: readonly Step[]): Clause[] {
  let before: number[] = []
  let parallel: number[] = []
  const named: ReadonlySet<string>[] = []
  return steps.map(({ title, text, inTurn }, index) => {
    if (inTurn && index > 0) {
      before = parallel
      parallel = []
    }
    // In parallel only if independent: two clauses with a common name run in the order given, as do clauses about a set
    // that may hold the name, and an observation without a name observes the results of the others.
    const names = namesIn(title)
    const objects = new Set([...names, ...(objectsOf(title)?.names ?? []).map((name) => name.toLowerCase())])
    const verb = imperative(title)
    const dependsOn = (other: number): boolean => {
      if (concludes(title) || SET.test(title) || SET.test(steps[other]?.title ?? '')) return true
      if (changesNothing(verb) && names.size === 0) return !changesNothing(imperative(steps[other]?.title ?? ''))
      return [...(named[other] ?? [])].some((name) => objects.has(name))
    }
    const dependencies = parallel.filter(dependsOn)
    const after = dependencies.length > 0 ? [...dependencies] : [...before]
    parallel.push(index)
    named.push(objects)
    return { title, text, after }
  })
}

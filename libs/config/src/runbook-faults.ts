/** Finds the mistakes of a runbook that are detectable before it runs: its kinds and its targets. */
import { factsOf, KINDS } from '@deed/proto/kinds'
import { didYouMean, nearest } from './nearest.ts'

export interface Fault {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** The parts of execution.yaml that are checked against each other. */
interface Parts {
  readonly runbooks: Record<string, { steps: readonly { kind: string; input: Record<string, unknown> }[] }>
  readonly targets: Record<string, { type: string }>
  readonly provided_kinds: readonly string[]
}

export function runbookFaults(config: Parts): Fault[] {
  return Object.entries(config.runbooks).flatMap(([name, { steps }]) =>
    steps.flatMap(({ kind, input }, index) => {
      const path = ['runbooks', name, 'steps', index]
      return [
        ...kindFaults(kind, config).map((message) => ({ path: [...path, 'kind'], message })),
        ...targetFaults(kind, input.target, config).map((message) => ({ path: [...path, 'input', 'target'], message })),
      ]
    }),
  )
}

function kindFaults(kind: string, { provided_kinds: provided }: Parts): string[] {
  if (factsOf(kind) || provided.includes(kind)) return []
  const meant = nearest(kind, [...Object.keys(KINDS), ...provided])
  return [
    `no kind ${JSON.stringify(kind)}${didYouMean(meant)}` +
      (meant === undefined ? "; `deed kinds` lists the built-in ones; add a provider's kind to provided_kinds" : ''),
  ]
}

function targetFaults(kind: string, target: unknown, { targets }: Parts): string[] {
  const types = factsOf(kind)?.targets ?? []
  if (typeof target !== 'string' || types.length === 0) return []
  const found = Object.hasOwn(targets, target) ? targets[target] : undefined
  const known = Object.keys(targets).filter((name) => types.includes(targets[name]?.type ?? ''))
  if (!found) {
    const names =
      known.length === 0 ? '; execution.yaml has no matching target' : `; matching targets are ${known.join(', ')}`
    const meant = nearest(target, known)
    return [`no target ${JSON.stringify(target)}${meant === undefined ? names : didYouMean(meant)}`]
  }
  if (types.includes(found.type)) return []
  return [`the target ${JSON.stringify(target)} is of type ${found.type}; ${kind} takes ${types.join(', ')}`]
}

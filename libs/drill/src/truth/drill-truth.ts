/** The truth drill: liars and ordinary things of every kind of action, on a mesh of its own, and what Deed says of them. */
import { randomInt } from 'node:crypto'
import { randomFrom } from '../harness/random.ts'
import type { Case } from './case.ts'
import { LIES, ORDINARY } from './cases.ts'
import { runTruth, type TruthReport } from './run-truth.ts'

const SEED_MAX = 2 ** 31

export interface TruthOptions {
  /** Of the order of the cases; drawn where none is given. */
  seed?: number | undefined
  /** Kinds of action to try. Default: all that have cases. */
  only?: readonly string[] | undefined
  /** The first lie and the first ordinary thing of each kind, and no other. */
  short?: boolean
  progress?(line: string): void
  /** Ends it after the cases that are under way. */
  signal?: AbortSignal | undefined
}

export const TRUTH_KINDS: readonly string[] = [...new Set([...LIES, ...ORDINARY].map(({ kind }) => kind))].sort()

export async function drillTruth(options: TruthOptions = {}): Promise<TruthReport> {
  const { seed = randomInt(SEED_MAX), only, short = false, progress = () => undefined, signal } = options
  progress(`seed ${seed}`)
  const chosen = (cases: readonly Case[]): Case[] => {
    const wanted = cases.filter(({ kind }) => only === undefined || only.includes(kind))
    return short ? [...Map.groupBy(wanted, ({ kind }) => kind).values()].map(([first]) => first!) : wanted
  }
  const cases = { lies: chosen(LIES), ordinary: chosen(ORDINARY) }
  return runTruth(cases, { random: randomFrom(seed), seed, progress, signal })
}

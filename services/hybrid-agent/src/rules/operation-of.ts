/**
 * Finds what a sentence does to a service that it names, if that is clear. It holds a model's plan to the words. It
 * accepts more phrasings than the rules that act, and understands less of each.
 */
import { tokenize } from './tokenize.ts'
import { isOfType, type World } from './vocabulary.ts'

export type OperationName = 'start' | 'stop' | 'restart'

export interface Operation {
  readonly name: OperationName
  readonly target: string
  /** The sentence asks for nothing else. */
  readonly whole: boolean
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

const STARTS = words('start launch boot relaunch on up')
const STOPS = words('stop halt kill shutdown off down')
const RESTARTS = words('restart reboot bounce recycle')
/** Meaningless until a particle follows: turn off, bring up. */
const CARRIERS = words('turn switch power shut bring take spin fire')
const FILLERS = words('the a an our my service server process app container deployment called named again back it just')
/** These begin another clause or a reason. */
const CONNECTORS = words('and then so because since as with for before after please now')
/** These make the operation conditional, or negate it. */
const TURNS = words("if unless when whenever once whether until not never no don't dont without instead rather except")

/** @returns undefined unless exactly one service is named and the operation on it is clear */
export function operationOf(description: string, { targets }: Pick<World, 'targets'>): Operation | undefined {
  const sentence = tokenize(description)
  if (!sentence || sentence.asks) return undefined
  const named = new Map(Object.keys(targets).map((name) => [name.toLowerCase(), name]))
  const isService = (name: string | undefined): name is string =>
    name !== undefined && isOfType(targets[name]?.type, 'service')
  const found = sentence.tokens.map(({ value }) => named.get(value.toLowerCase()))
  const services = new Set(found.filter(isService))
  const [target] = services
  if (target === undefined || services.size > 1) return undefined
  if (sentence.tokens.some(({ word }) => TURNS.has(word))) return undefined

  const steps: OperationName[] = []
  let state: 'begin' | 'carrier' | 'said' | 'further' = 'begin'
  let seen = false
  let whole = true
  for (const [index, { word }] of sentence.tokens.entries()) {
    if (found[index] === target) {
      seen = true
      continue
    }
    const step = STARTS.has(word) ? 'start' : STOPS.has(word) ? 'stop' : RESTARTS.has(word) ? 'restart' : undefined
    if (step !== undefined) {
      // "on" and "down" are verbs only after a carrier or an earlier step.
      if (state === 'begin' && ['on', 'off', 'up', 'down'].includes(word)) return undefined
      if (state === 'further') whole = false
      else steps.push(step)
      state = state === 'further' ? state : 'said'
    } else if (CARRIERS.has(word)) {
      if (state === 'begin') state = 'carrier'
    } else if (!FILLERS.has(word)) {
      const connects = CONNECTORS.has(word)
      if (state === 'begin' || state === 'carrier') return undefined
      if (connects) continue
      // "start billing tests" does not start billing; after a connector, a new clause begins.
      if (!seen || !sentence.tokens.slice(0, index).some((token) => CONNECTORS.has(token.word))) return undefined
      state = 'further'
      whole = false
    }
  }
  const name = nameOf(steps)
  return name && seen ? { name, target, whole } : undefined
}

function nameOf(steps: readonly OperationName[]): OperationName | undefined {
  const [first, ...others] = steps
  if (first === undefined) return undefined
  if (steps.includes('restart'))
    return others.every((step) => step === first || step === 'start') ? 'restart' : undefined
  if (others.every((step) => step === first)) return first
  // Off and on again is a restart; on and then off is ambiguous.
  return first === 'stop' && steps.indexOf('start') > 0 && steps.lastIndexOf('stop') < steps.indexOf('start')
    ? 'restart'
    : undefined
}

const OPPOSITES: Readonly<Record<string, ReadonlySet<string>>> = {
  'service.start': words('stop halt kill terminate shut shutdown'),
  'service.stop': words('start launch boot restart reboot relaunch'),
}

/** The word of a sentence that says the opposite of an operation, named by its kind. */
export const oppositeIn = (description: string, kind: string): string | undefined =>
  tokenize(description)?.tokens.find(({ word }) => OPPOSITES[kind]?.has(word))?.word ??
  DOWN_AND_UP.exec(description)?.[0]

/** Both, one after the other: neither alone is what is asked for. */
const DOWN_AND_UP = /\b(?:down|off) (?:and|then|and then) (?:right )?(?:back )?(?:up|on)\b/i

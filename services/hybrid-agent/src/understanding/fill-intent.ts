/** Fills an intent's slots by their types from what a sentence names. */
import type { Pattern } from '../rules/pattern.ts'
import type { CompiledRule } from '../rules/rule-pack.ts'
import type { SlotValue } from '../rules/slots.ts'
import type { Sentence } from '../rules/tokenize.ts'
import type { EntityValue, NamedTarget, Vocabulary } from '../rules/vocabulary.ts'
import { isOfType } from '../rules/vocabulary.ts'
import { type Intent, type IntentSlot, isContent } from './intents.ts'
import { NAMING, type Part } from './parts.ts'

export interface MissingSlot {
  readonly name: string
  readonly type: string
  readonly argument: string | undefined
}

export interface Filled {
  readonly slots: Readonly<Record<string, SlotValue>>
  /** The types of the slots, as `outcomeOf` reads them. */
  readonly pattern: Pattern
  readonly used: ReadonlySet<Part>
  readonly missing: readonly MissingSlot[]
  /** The targets that an ambiguous name may mean. */
  readonly among: readonly NamedTarget[]
  /** What is named, fits no slot, and is more than the intent can take. */
  readonly left: readonly Part[]
  /** Two slots of one type, and no word says which value is whose. */
  readonly interchangeable: boolean
}

export interface Filling {
  /** All parts, from which "it" is resolved. */
  readonly all: readonly Part[]
  readonly vocabulary: Vocabulary
  readonly onlyNoun: EntityValue | undefined
  /** The parts as a sentence: a token for each. */
  readonly clean: Sentence
}

export function fillIntent({ rule, slots: wanted }: Intent, parts: readonly Part[], filling: Filling): Filled {
  const { all, vocabulary, onlyNoun, clean } = filling
  const pattern = rule.patterns[0]!
  const slots: Record<string, SlotValue> = {}
  const used = new Set<Part>()
  const missing: MissingSlot[] = []
  let among: readonly NamedTarget[] = []
  const taken = new Map<IntentSlot, Part>()
  // What comes directly after a word that precedes its slot in the rule, before the rest in order.
  for (const slot of wanted) {
    const fitting = free(slot, parts, used).filter((part) => precedesOnly(slot, wanted, wordBefore(parts, part)))
    if (fitting.length !== 1) continue
    taken.set(slot, fitting[0]!)
    used.add(fitting[0]!)
  }
  for (const slot of wanted) {
    const found = taken.get(slot) ?? partFor(slot, rule, parts, all, used)
    const rest = found
      ? undefined
      : slot.type === 'rest'
        ? restFor(slot, parts, clean.text)
        : readFor(slot, rule, parts, clean, vocabulary)
    if (rest) {
      slots[slot.name] = rest.value
      for (const part of rest.parts) used.add(part)
      continue
    }
    // Where one noun is known, a question leaves it out: "details for web-01".
    if (!found && slot.type === 'entity' && onlyNoun && !rule.changes && wanted.length > 1) slots[slot.name] = onlyNoun
    else if (!found) missing.push(slot)
    if (!found) continue
    used.add(found)
    const fitting = found.targets?.filter((target) => fits(target, slot)) ?? []
    if (fitting.length > 1) {
      among = fitting
      missing.push(slot)
    } else slots[slot.name] = fitting[0]?.name ?? found.entity ?? found.value
  }
  const names = new Set([...used].map(({ value }) => value))
  const left = parts.filter(
    (part) => part.kind !== 'word' && part.kind !== 'number' && !used.has(part) && !names.has(part.value),
  )
  const interchangeable = wanted.some(
    (slot, index) =>
      !taken.has(slot) && wanted.some((other, at) => at > index && other.type === slot.type && !taken.has(other)),
  )
  return { slots, pattern, used, missing, among, left, interchangeable }
}

const fits = (target: NamedTarget, { argument }: MissingSlot): boolean =>
  argument === undefined || argument.split('|').some((type) => isOfType(target.type, type))

const free = (slot: IntentSlot, parts: readonly Part[], used: ReadonlySet<Part>): Part[] =>
  parts.filter((part) => !used.has(part) && accepts(slot, part))

/** "for" is before what is replaced, and before what replaces it, so it tells neither. */
const precedesOnly = (slot: IntentSlot, wanted: readonly IntentSlot[], word: string): boolean =>
  slot.before.has(word) && !wanted.some((other) => other !== slot && other.type === slot.type && other.before.has(word))

/** The first part of the right type that is not taken yet. */
function partFor(
  slot: IntentSlot,
  { changes }: CompiledRule,
  parts: readonly Part[],
  all: readonly Part[],
  used: ReadonlySet<Part>,
): Part | undefined {
  const [first] = free(slot, parts, used)
  if (first) return first
  if (slot.type === 'path' || slot.type === 'paths' || slot.type === 'word' || slot.type === 'name') {
    const after = parts.filter(
      (part) => part.kind === 'word' && isContent(part.word) && !used.has(part) && NAMING.has(wordBefore(parts, part)),
    )
    if (after.length === 1) return after[0]
    // "list src": what no English word explains, where nothing is changed.
    const unknown = parts.filter((part) => part.kind === 'word' && part.unknown && !used.has(part))
    if (!changes && slot.type === 'path' && unknown.length === 1) return unknown[0]
  }
  // "it" means what a reason names: "demo-api is stuck, restart it".
  if (slot.type !== 'target' && slot.type !== 'targets' && slot.type !== 'entity') return undefined
  const named = all.filter((part) => accepts(slot, part))
  return new Set(named.map(({ value }) => value)).size === 1 ? named[0] : undefined
}

/** A slot of another type reads the sentence by itself, from the first place where it can. */
function readFor(
  { before, read }: IntentSlot,
  { changes }: CompiledRule,
  parts: readonly Part[],
  clean: Sentence,
  vocabulary: Vocabulary,
): { value: SlotValue; parts: readonly Part[] } | undefined {
  if (!read) return undefined
  for (let at = 0; at < parts.length; at++) {
    // A verb is no value: a word is one only where the rule has its slot, and never where something is changed.
    const { kind } = parts[at]!
    if (kind === 'word' && (changes || !before.has(wordBefore(parts, parts[at]!)))) continue
    // "scale it by 3" says no number of replicas.
    if (
      kind === 'number' &&
      changes &&
      RELATIVE.has(wordBefore(parts, parts[at]!)) &&
      !before.has(wordBefore(parts, parts[at]!))
    )
      continue
    const found = read(clean, at, vocabulary)
    if (found) return { value: found.value, parts: parts.slice(at, found.end) }
  }
  return undefined
}

const RELATIVE = new Set(['by', 'from', 'than', 'plus', 'minus', 'least', 'most', 'between'])

/** The text after the first word that precedes the slot in the rule. */
function restFor(
  slot: IntentSlot,
  parts: readonly Part[],
  text: string,
): { value: string; parts: readonly Part[] } | undefined {
  const precedes = (index: number): boolean => parts[index]?.kind === 'word' && slot.before.has(parts[index]!.word)
  let at = parts.findIndex((_, index) => index > 0 && precedes(index))
  // "ask an operator to ..." and "have an operator ..." are both in the rule.
  while (at >= 0 && precedes(at + 1)) at++
  const first = at < 0 ? undefined : parts[at + 1]
  if (!first) return undefined
  const value = text
    .slice(first.start)
    .trim()
    .replace(/[.!]+$/, '')
  return { value, parts: parts.slice(at + 1) }
}

const wordBefore = (parts: readonly Part[], part: Part): string => parts[parts.indexOf(part) - 1]?.word ?? ''

function accepts(slot: MissingSlot, part: Part): boolean {
  switch (slot.type) {
    case 'target':
    case 'targets':
      return part.targets?.some((target) => fits(target, slot)) ?? false
    case 'entity':
      return part.kind === 'noun'
    case 'path':
    case 'paths':
    case 'file':
    case 'files':
      return part.kind === 'path'
    case 'quoted':
    case 'command':
      return part.kind === 'text'
    case 'url':
      return part.kind === 'url'
    case 'name':
      return part.kind === 'name' || part.kind === 'text'
    case 'word':
      return part.kind === 'name'
    default:
      return false
  }
}

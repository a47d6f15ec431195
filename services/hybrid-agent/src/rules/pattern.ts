/**
 * Patterns of sentences: words, alternatives, optional parts and slots, matched in linear time.
 *
 *     restart (the)? (service)? {service:target(process)}
 *     (create|write) (a|an)? {thing:phrase}
 *
 * A pattern covers the whole sentence. It is not a regular expression: it compiles to a small program that memoises
 * failed positions, so no position is tried twice and matching is bounded.
 */
import { type SlotReader, type SlotValue, slotProblem, slotReader } from './slots.ts'
import type { Sentence, Token } from './tokenize.ts'
import type { Vocabulary } from './vocabulary.ts'

export type Node =
  | { readonly is: 'word'; readonly word: string }
  | { readonly is: 'slot'; readonly name: string; readonly type: string; readonly argument: string | undefined }
  | { readonly is: 'all'; readonly of: readonly Node[] }
  | { readonly is: 'any'; readonly of: readonly Node[] }

type Step =
  | { readonly does: 'word'; readonly word: string }
  | { readonly does: 'slot'; readonly name: string; readonly read: SlotReader }
  /** One more word of a phrase; a phrase is as short as possible. */
  | { readonly does: 'phrase'; readonly name: string }
  | { readonly does: 'split'; readonly first: number; readonly second: number }
  /** Alternatives: those that a word may begin, in their order, and those for any other word. */
  | {
      readonly does: 'choose'
      readonly byWord: ReadonlyMap<string, readonly number[]>
      readonly others: readonly number[]
    }
  | { readonly does: 'jump'; readonly to: number }
  | { readonly does: 'end' }

export interface Pattern {
  readonly source: string
  readonly node: Node
  readonly steps: readonly Step[]
  /** The possible first words; undefined if the pattern may begin with a slot. */
  readonly firstWords: ReadonlySet<string> | undefined
  /** Every match has at least one word of each of these lists. */
  readonly needs: readonly (readonly string[])[]
  /** The slots that every match fills: type by name. */
  readonly slots: ReadonlyMap<string, string>
  /** All slots, including those in optional parts: type by name. */
  readonly slotsPossible: ReadonlyMap<string, string>
}

export interface PatternMatch {
  readonly slots: Readonly<Record<string, SlotValue>>
  /** Words of the sentence that match literal words of the pattern. */
  readonly literals: number
  /** Words of the sentence that only a free-text slot matched. */
  readonly freeTokens: readonly Token[]
}

const SOURCE_CHARS_MAX = 1_000

/** @throws {PatternError} with the problem and its position */
export function compilePattern(source: string): Pattern {
  if (source.length > SOURCE_CHARS_MAX) throw new PatternError(`is longer than ${SOURCE_CHARS_MAX} characters`)
  const node = parse(source)
  const slotsPossible = new Map<string, string>()
  for (const { name, type } of slotNodes(node)) {
    if (slotsPossible.has(name)) throw new PatternError(`the slot ${name} occurs twice; rename one`)
    slotsPossible.set(name, type)
  }
  const steps: Step[] = []
  emit(node, steps)
  steps.push({ does: 'end' })
  return {
    source,
    node,
    steps,
    firstWords: firstWords(node).words,
    needs: needsOf(node),
    slots: certainSlots(node),
    slotsPossible,
  }
}

export class PatternError extends Error {
  override readonly name = 'PatternError'
}

/** @returns undefined if the sentence does not match */
export function matchPattern(pattern: Pattern, sentence: Sentence, vocabulary: Vocabulary): PatternMatch | undefined {
  const { steps } = pattern
  const { tokens } = sentence
  const width = tokens.length + 1
  const failed = cleared(steps.length * width)
  const slots: Record<string, SlotValue> = {}
  const free: Token[] = []
  let literals = 0

  const run = (step: number, at: number): boolean => {
    const place = step * width + at
    if (failed[place] === 1) return false
    const does = steps[step]!
    const token = tokens[at]
    let matched = false
    switch (does.does) {
      case 'word':
        matched = token?.word === does.word && run(step + 1, at + 1)
        if (matched) literals++
        break
      case 'slot': {
        const found = token && does.read(sentence, at, vocabulary)
        matched = found !== undefined && run(step + 1, found.end)
        if (matched && found) {
          slots[does.name] = found.value
          if (found.free) free.push(...tokens.slice(at, found.end))
        }
        break
      }
      case 'phrase':
        matched = token?.kind === 'word' && run(step + 1, at + 1)
        if (matched && token) {
          free.push(token)
          const rest = slots[does.name]
          slots[does.name] = typeof rest === 'string' ? `${token.value} ${rest}` : token.value
        }
        break
      case 'split':
        matched = run(does.first, at) || run(does.second, at)
        break
      case 'choose':
        for (const first of does.byWord.get(token?.word ?? '') ?? does.others) {
          matched = run(first, at)
          if (matched) break
        }
        break
      case 'jump':
        matched = run(does.to, at)
        break
      case 'end':
        matched = at === tokens.length
    }
    if (!matched) failed[place] = 1
    return matched
  }

  return run(0, 0) ? { slots, literals, freeTokens: free } : undefined
}

let places = new Uint8Array(4_096)

/** Zeros for one match; a match ends before the next begins. */
function cleared(length: number): Uint8Array {
  if (places.length < length) places = new Uint8Array(length)
  else places.fill(0, 0, length)
  return places
}

/** @throws {PatternError} */
export function parse(source: string): Node {
  const parts = source.match(/\{[^{}]*\}|[(){}|?]|[^\s(){}|?]+/g) ?? []
  let at = 0

  const alternatives = (): Node => {
    const of = [sequence()]
    while (parts[at] === '|') {
      at++
      of.push(sequence())
    }
    return of.length === 1 ? of[0]! : { is: 'any', of }
  }
  const sequence = (): Node => {
    const of: Node[] = []
    while (at < parts.length && parts[at] !== '|' && parts[at] !== ')') of.push(item())
    return { is: 'all', of }
  }
  const item = (): Node => {
    const atom = single(parts[at++]!)
    if (parts[at] !== '?') return atom
    at++
    return { is: 'any', of: [atom, { is: 'all', of: [] }] }
  }
  const single = (part: string): Node => {
    if (part === '(') {
      const inside = alternatives()
      if (parts[at++] !== ')') throw new PatternError('a parenthesis is not closed')
      return inside
    }
    if (part === '?' || part === '{' || part === '}') throw new PatternError(`unexpected "${part}"`)
    if (part.startsWith('{')) return slot(part)
    return { is: 'word', word: part.toLowerCase() }
  }

  const node = alternatives()
  if (at < parts.length) throw new PatternError('")" without a matching "("')
  if (matchesNothing(node)) throw new PatternError('matches an empty sentence')
  return node
}

function slot(part: string): Node {
  const [, name, type, argument] =
    /^\{\s*([a-z][a-z0-9_]*)\s*:\s*([a-z]+)\s*(?:\(\s*([a-z|]+)\s*\))?\s*\}$/.exec(part) ?? []
  if (name === undefined || type === undefined) throw new PatternError(`${part} is not a slot; write {name:type}`)
  const problem = slotProblem(type, argument)
  if (problem !== undefined) throw new PatternError(`${part}: ${problem}`)
  return { is: 'slot', name, type, argument }
}

function matchesNothing(node: Node): boolean {
  if (node.is === 'all') return node.of.every(matchesNothing)
  return node.is === 'any' && node.of.some(matchesNothing)
}

/** All slots, including those in optional parts. */
export function* slotNodes(node: Node): Generator<Extract<Node, { is: 'slot' }>> {
  if (node.is === 'slot') yield node
  if (node.is === 'all' || node.is === 'any') for (const part of node.of) yield* slotNodes(part)
}

function certainSlots(node: Node): Map<string, string> {
  if (node.is === 'slot') return new Map([[node.name, node.type]])
  if (node.is === 'all') return new Map(node.of.flatMap((part) => [...certainSlots(part)]))
  if (node.is === 'word') return new Map()
  const [first = new Map<string, string>(), ...others] = node.of.map(certainSlots)
  return new Map([...first].filter(([name]) => others.every((other) => other.has(name))))
}

function needsOf(node: Node): (readonly string[])[] {
  if (node.is === 'word') return [[node.word]]
  if (node.is === 'slot') return []
  if (node.is === 'all') return node.of.flatMap(needsOf)
  const each = node.of.map(needsOf)
  const [first = [], ...others] = each
  const common = first.filter(
    (need) => need.length === 1 && others.every((other) => other.some((one) => one.length === 1 && one[0] === need[0])),
  )
  if (common.length > 0 || each.some((needs) => needs.length === 0)) return common
  // Of each alternative the shortest list.
  return [[...new Set(each.flatMap((needs) => needs.reduce((a, b) => (b.length < a.length ? b : a))))]]
}

function firstWords(node: Node): { words: Set<string> | undefined; mayBeEmpty: boolean } {
  if (node.is === 'word') return { words: new Set([node.word]), mayBeEmpty: false }
  if (node.is === 'slot') return { words: undefined, mayBeEmpty: false }
  const words = new Set<string>()
  if (node.is === 'any') {
    const parts = node.of.map(firstWords)
    if (parts.some((part) => part.words === undefined)) return { words: undefined, mayBeEmpty: false }
    for (const part of parts) for (const word of part.words ?? []) words.add(word)
    return { words, mayBeEmpty: parts.some((part) => part.mayBeEmpty) }
  }
  for (const part of node.of) {
    const first = firstWords(part)
    if (first.words === undefined) return { words: undefined, mayBeEmpty: false }
    for (const word of first.words) words.add(word)
    if (!first.mayBeEmpty) return { words, mayBeEmpty: false }
  }
  return { words, mayBeEmpty: true }
}

function emit(node: Node, steps: Step[]): void {
  switch (node.is) {
    case 'word':
      steps.push({ does: 'word', word: node.word })
      break
    case 'slot': {
      const { name, type, argument } = node
      if (type !== 'phrase') {
        steps.push({ does: 'slot', name, read: slotReader(type, argument) })
        break
      }
      const begin = steps.length
      steps.push({ does: 'phrase', name })
      // A phrase is as short as possible: the pattern after it is tried first.
      steps.push({ does: 'split', first: begin + 2, second: begin })
      break
    }
    case 'all':
      for (const part of node.of) emit(part, steps)
      break
    case 'any':
      emitAny(node.of, steps)
  }
}

function emitAny(of: readonly Node[], steps: Step[]): void {
  const choice = steps.length
  steps.push({ does: 'jump', to: 0 })
  const alternatives: { node: Node; first: number }[] = []
  const jumps: number[] = []
  for (const node of of) {
    alternatives.push({ node, first: steps.length })
    emit(node, steps)
    jumps.push(steps.length)
    steps.push({ does: 'jump', to: 0 })
  }
  for (const jump of jumps) steps[jump] = { does: 'jump', to: steps.length }
  steps[choice] = chooseAmong(alternatives)
}

function chooseAmong(alternatives: readonly { readonly node: Node; readonly first: number }[]): Step {
  const begun = alternatives.map(({ node, first }) => {
    const { words, mayBeEmpty } = firstWords(node)
    return { first, words: mayBeEmpty ? undefined : words }
  })
  const firstsFor = (word: string | undefined): number[] =>
    begun
      .filter(({ words }) => words === undefined || (word !== undefined && words.has(word)))
      .map(({ first }) => first)
  const all = new Set(begun.flatMap(({ words }) => [...(words ?? [])]))
  return {
    does: 'choose',
    byWord: new Map([...all].map((word) => [word, firstsFor(word)])),
    others: firstsFor(undefined),
  }
}

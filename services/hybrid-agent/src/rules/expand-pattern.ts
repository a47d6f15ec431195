/** Sentences that a pattern covers, as words and slots: examples of what a rule means. */
import type { Node } from './pattern.ts'

export type PatternWord =
  | string
  | { readonly slot: string; readonly type: string; readonly argument: string | undefined }

/**
 * @param random between 0 and 1; the same numbers give the same sentences
 * @returns at most `max` different sentences; the first takes the first of all alternatives and no optional part
 */
export function expandPattern(node: Node, max: number, random: () => number): PatternWord[][] {
  const found = new Map<string, PatternWord[]>()
  const keep = (words: PatternWord[]): void => {
    found.set(JSON.stringify(words), words)
  }
  keep(wordsOf(node, () => 0))
  // Optional parts and alternatives repeat; twice as many draws find most of a small pattern's sentences.
  for (let draw = 0; draw < max * 2 && found.size < max; draw++) keep(wordsOf(node, random))
  return [...found.values()]
}

function wordsOf(node: Node, random: () => number): PatternWord[] {
  switch (node.is) {
    case 'word':
      return [node.word]
    case 'slot':
      return [{ slot: node.name, type: node.type, argument: node.argument }]
    case 'all':
      return node.of.flatMap((part) => wordsOf(part, random))
    case 'any': {
      const optional = node.of.length === 2 && isEmpty(node.of[1])
      // 0 means the plainest sentence: no optional part.
      const chosen = optional ? node.of[random() < 0.4 ? 1 : 0] : node.of[Math.floor(random() * node.of.length)]
      return chosen ? wordsOf(chosen, random) : []
    }
  }
}

const isEmpty = (node: Node | undefined): boolean => node?.is === 'all' && node.of.length === 0

/** For each slot, the words of the pattern that can be directly before it. */
export function wordsBeforeSlots(node: Node): Map<string, Set<string>> {
  const before = new Map<string, Set<string>>()
  /** @returns the words that can be the last after this part */
  const walk = (part: Node, last: ReadonlySet<string>): ReadonlySet<string> => {
    switch (part.is) {
      case 'word':
        return new Set([part.word])
      case 'slot':
        before.set(part.name, new Set(last))
        return new Set()
      case 'all':
        return part.of.reduce((known, next) => walk(next, known), last)
      case 'any':
        return new Set(part.of.flatMap((one) => [...walk(one, last)]))
    }
  }
  walk(node, new Set())
  return before
}

/** The words that its sentences may have. */
export function wordsOfPattern(node: Node): string[] {
  if (node.is === 'word') return [node.word]
  return node.is === 'slot' ? [] : node.of.flatMap(wordsOfPattern)
}

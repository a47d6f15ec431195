/** What one text of source code declares and imports, where it branches, and how it is cut into places that can be found. */
import type { SymbolKind } from '@deed/proto/code'
import type { QueryMatch, Tree } from 'web-tree-sitter'
import { faultIn } from '../syntax/elixir.ts'
import { type Grammar, grammarOf } from './grammars.ts'
import type { LanguageOf } from './languages.ts'

export interface SourceSymbol {
  /** With what it is declared in: `Basket.total`. */
  readonly name: string
  readonly kind: SymbolKind
  /** From 1, both of them its own. */
  readonly line: number
  readonly end: number
  readonly complexity: number
}

export interface SourceFacts {
  readonly lines: number
  readonly symbols: readonly SourceSymbol[]
  /** As they are written there. */
  readonly imports: readonly string[]
  /** One for each function and for each branch. */
  readonly complexity: number
  /** What the grammar does not accept; the rest is there. */
  readonly fault?: string | undefined
  /** Why nothing was parsed. */
  readonly unparsed?: string | undefined
}

const PARSE_MS_MAX = 3_000
/** The median of generated code is a line of thousands. */
const LINE_CHARS_MAX = 20_000
const NAME_CHARS_MAX = 256

/** @param text without secrets */
export async function readSource(text: string, { grammar: name }: LanguageOf): Promise<SourceFacts> {
  const lines = text.split('\n')
  const found = { lines: lines.length - (lines.at(-1) === '' ? 1 : 0), symbols: [], imports: [], complexity: 0 }
  if (name === undefined) return found
  if (lines.some((line) => line.length > LINE_CHARS_MAX))
    return { ...found, unparsed: `has a line of more than ${LINE_CHARS_MAX} characters` }
  const grammar = await grammarOf(name)
  const endsAt = performance.now() + PARSE_MS_MAX
  const progressCallback = () => performance.now() > endsAt
  const tree = parsed(grammar, text, progressCallback)
  const unparsed = `takes more than ${PARSE_MS_MAX / 1_000} s to parse`
  if (!tree) return { ...found, unparsed }
  try {
    const matches = grammar.query.matches(tree.rootNode, { progressCallback })
    if (progressCallback()) return { ...found, unparsed }
    const fault = faultIn(tree.rootNode)
    return { ...found, ...factsOf(matches), ...(fault === undefined ? {} : { fault }) }
  } finally {
    tree.delete()
  }
}

function parsed({ parser }: Grammar, text: string, progressCallback: () => boolean): Tree | null {
  const tree = parser.parse(text, null, { progressCallback })
  // Else the next text would be taken for the rest of this one.
  if (!tree) parser.reset()
  return tree
}

interface Declared {
  name: string
  kind: SymbolKind
  from: number
  to: number
  line: number
  end: number
  branches: number
}

function factsOf(matches: readonly QueryMatch[]): Pick<SourceFacts, 'symbols' | 'imports' | 'complexity'> {
  const declared = new Map<number, Declared>()
  const imports = new Set<string>()
  const branches: number[] = []
  for (const { captures } of matches) {
    let [name, kind]: [string, Declared | undefined] = ['', undefined]
    for (const { name: capture, node } of captures) {
      if (capture === 'name') name = node.text.slice(0, NAME_CHARS_MAX)
      else if (capture === 'import') imports.add(node.text.replace(/^["']|["']$/g, '').slice(0, NAME_CHARS_MAX))
      else if (capture === 'branch') branches.push(node.startIndex)
      else if (!capture.startsWith('_'))
        kind = {
          ...{ name: '', kind: capture as SymbolKind, from: node.startIndex, to: node.endIndex, branches: 0 },
          ...{ line: node.startPosition.row + 1, end: node.endPosition.row + 1 },
        }
    }
    // A constant that is a function matches as both.
    if (kind && (kind.kind !== 'constant' || !declared.has(kind.from))) declared.set(kind.from, { ...kind, name })
  }
  const symbols = [...declared.values()].sort((a, b) => a.from - b.from || b.to - a.to)
  branches.sort((a, b) => a - b)
  assign(symbols, branches)
  const functions = symbols.filter(isFunction).length
  return {
    symbols: symbols.map(({ name, kind, line, end, branches: own }, index) => ({
      ...{ name, kind, line, end, complexity: isFunction(symbols[index]!) ? own + 1 : 0 },
    })),
    imports: [...imports],
    complexity: functions + branches.length,
  }
}

const isFunction = ({ kind }: Declared): boolean => kind === 'function' || kind === 'method'

/** Gives each branch to the innermost function around it, and each name what it is declared in. Both are in order. */
function assign(symbols: readonly Declared[], branches: readonly number[]): void {
  const around: Declared[] = []
  let next = 0
  const count = (until: number) => {
    for (let at = branches[next]; at !== undefined && at < until; at = branches[++next]) {
      while ((around.at(-1)?.to ?? Number.MAX_SAFE_INTEGER) <= at) around.pop()
      const inner = around.findLast(isFunction)
      if (inner) inner.branches++
    }
  }
  for (const symbol of symbols) {
    count(symbol.from)
    while ((around.at(-1)?.to ?? Number.MAX_SAFE_INTEGER) <= symbol.from) around.pop()
    const parent = around.findLast(({ kind }) => kind !== 'constant')
    if (parent) symbol.name = `${parent.name}.${symbol.name}`.slice(0, 2 * NAME_CHARS_MAX)
    around.push(symbol)
  }
  count(Number.MAX_SAFE_INTEGER)
}

/** A part of a file that is found by itself. */
export interface Place {
  readonly line: number
  readonly end: number
  readonly symbol?: SourceSymbol
}

const PLACE_LINES_MAX = 60
const TEXT_LINES = 60

/** A comment or a decorator, which belongs to what follows. */
const ABOVE = /^\s*(?:\/\/|\/?\*|#|@|--)/

/**
 * A function and a short class is a place each, with its comment; what is in a long one is a place of its own; what lies
 * between is cut into pieces.
 */
export function placesOf({ lines, symbols }: SourceFacts, text: string): Place[] {
  const all = text.split('\n')
  const places: Place[] = []
  let next = 1
  const fill = (until: number) => {
    for (; next <= until; next += TEXT_LINES) places.push({ line: next, end: Math.min(until, next + TEXT_LINES - 1) })
    next = until + 1
  }
  for (const symbol of symbols) {
    if (symbol.line < next || symbol.kind === 'constant') continue
    const isLong = symbol.end - symbol.line >= PLACE_LINES_MAX
    if (isLong && symbols.some((one) => one !== symbol && one.line > symbol.line && one.end <= symbol.end)) continue
    let from = symbol.line
    while (from > next && ABOVE.test(all[from - 2] ?? '')) from--
    fill(from - 1)
    places.push({ line: from, end: symbol.end, symbol })
    next = symbol.end + 1
  }
  fill(lines)
  return places
}

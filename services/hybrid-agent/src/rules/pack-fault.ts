/** What is wrong with a rule pack, with the line where it is. */
import type { PackFault } from '@deed/proto/rules'
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml'

/** `lamps.yaml:12: rule "switch-on": …` */
export const faultLine = ({ file, line, reason }: PackFault): string => `${file}:${line}: ${reason}`

export class RulePackError extends Error {
  override readonly name = 'RulePackError'
  readonly faults: readonly PackFault[]

  constructor(faults: readonly PackFault[] | string, options?: ErrorOptions) {
    super(typeof faults === 'string' ? faults : faults.map(faultLine).join('\n'), options)
    this.faults = typeof faults === 'string' ? [] : faults
  }
}

export interface PackText {
  readonly raw: unknown
  /**
   * The line of the value at this path, or of the nearest value around it.
   *
   * @param key a key of the map at the path: then the line of the key
   */
  lineOf(path: readonly PropertyKey[], key?: string): number
}

/** Aliases that a pack may resolve: more would let a small file become a huge one. */
const ALIASES_MAX = 50

/** @throws {RulePackError} for text that is no YAML */
export function readPackText(text: string, file: string): PackText {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: true,
    merge: false,
    prettyErrors: false,
    lineCounter: lines,
  })
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line)
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0) {
    throw new RulePackError(faults.map(({ message, pos }) => ({ file, line: lineAt(pos[0]), reason: message })))
  }
  let raw: unknown
  try {
    raw = document.toJS({ maxAliasCount: ALIASES_MAX })
  } catch (cause) {
    const reason = `cannot be read: ${cause instanceof Error ? cause.message : cause}`
    throw new RulePackError([{ file, line: 1, reason }], { cause })
  }
  return { raw, lineOf: (path, key) => lineAt(offsetOf(document, path, key)) }
}

function offsetOf(document: Document, path: readonly PropertyKey[], key: string | undefined): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true)
    const offset = offsetIn(node, length === path.length ? key : undefined)
    if (offset !== undefined) return offset
  }
  return offsetIn(document.contents, path.length === 0 ? key : undefined) ?? 0
}

function offsetIn(node: unknown, key: string | undefined): number | undefined {
  const named = isMap(node) ? node.items.find(({ key: one }) => isScalar(one) && one.value === key)?.key : undefined
  const { range } = (isScalar(named) ? named : (node ?? {})) as { range?: readonly [number, ...number[]] | null }
  return range?.[0]
}

/** A manifest from its file, YAML or JSON: whatever is wrong with it is said with its line. */
import { readFileSync } from 'node:fs'
import { validate } from '@deed/json/validate'
import { checkGraph } from '@deed/proto/check-graph'
import { DeedError } from '@deed/proto/errors'
import { Manifest } from '@deed/proto/manifest'
import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLParseError,
  type YAMLWarning,
} from 'yaml'
import { UsageError } from '../terminal/exit-code.ts'

/** Anchors that stand for more than this many nodes are a trap, not a manifest. */
const ALIASES_MAX = 50

/**
 * @throws {UsageError} where there is no such file
 * @throws {DeedError} `invalid_manifest`, or what the graph's check found, with the line in the message
 */
export function readManifest(file: string): Manifest {
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')
      throw new UsageError(`there is no file ${file}`)
    throw new UsageError(`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
  return parseManifest(text)
}

/** @throws {DeedError} as `readManifest` */
export function parseManifest(text: string): Manifest {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    ...{ schema: 'core', version: '1.2', merge: false, uniqueKeys: true, customTags: [] },
    ...{ lineCounter: lines, prettyErrors: false, strict: true, intAsBigInt: true },
  })
  const [fault] = [...document.errors, ...document.warnings]
  if (fault) throw invalid(faultText(fault, text), lines.linePos(fault.pos[0]).line)
  refuseTags(document, lines)
  refuseLongIntegers(document, lines)
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: ALIASES_MAX })
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : String(cause), 1)
  }
  try {
    const manifest = validate(Manifest, value)
    checkGraph(manifest.tasks)
    return manifest
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    throw withLine(error, document, lines)
  }
}

function faultText({ code, message, pos: [at] }: YAMLParseError | YAMLWarning, text: string): string {
  if (code !== 'DUPLICATE_KEY') return message
  return `the key ${/^[^:\n]*/.exec(text.slice(at))?.[0].trim()} is there twice; keep one of them`
}

function refuseTags(document: Document, lines: LineCounter): void {
  visit(document, {
    Node(_, node) {
      if (node.tag === undefined || node.tag.startsWith('tag:yaml.org,2002:')) return
      throw invalid(`the tag ${node.tag} is not allowed in a manifest`, lines.linePos(node.range?.[0] ?? 0).line)
    },
    Pair(_, { key }) {
      if (isNode(key) && 'value' in key && key.value === '<<') {
        throw invalid('there is no merging with "<<"; write it out', lines.linePos(key.range?.[0] ?? 0).line)
      }
    },
  })
}

/** An integer that a double cannot hold would be another one. Those that it can hold become numbers. */
function refuseLongIntegers(document: Document, lines: LineCounter): void {
  visit(document, {
    Scalar(_, node, above) {
      if (typeof node.value !== 'bigint') return
      const { value } = node
      node.value = Number(value)
      if (Number.isSafeInteger(node.value)) return
      const line = lines.linePos(node.range?.[0] ?? 0).line
      throw new DeedError(
        'invalid_manifest',
        `line ${line}: ${value} is beyond 2^53, where numbers lose digits; quote it`,
        {
          path: pathOf([...above, node]),
          details: { line },
        },
      )
    },
  })
}

/** @param nodes from the document down */
function pathOf(nodes: readonly unknown[]): string {
  return nodes.reduce<string>((path, node, index) => {
    if (isPair(node)) return `${path}.${isScalar(node.key) ? String(node.key.value) : '?'}`
    const list = nodes[index - 1]
    return isSeq(list) ? `${path}[${list.items.indexOf(node)}]` : path
  }, '$')
}

/** The graph's own codes stay; what the schema found wrong is an invalid manifest. */
function withLine(error: DeedError, document: Document, lines: LineCounter): DeedError {
  const { code, message, path, details } = error
  const places = Array.isArray(details?.places) ? details.places.map(String) : [path ?? '$']
  const found = places.map((place) => lineOf(document, lines, place))
  const graph = GRAPH_CODES.has(code)
  const said = `line ${[...new Set(found)].join(' and ')}: ${message}`
  return new DeedError(graph ? code : 'invalid_manifest', said, {
    path,
    details: { ...details, line: found[0] ?? 1, lines: found },
  })
}

const GRAPH_CODES: ReadonlySet<string> = new Set([
  ...['duplicate_id', 'cyclic_dependency', 'unknown_dependency'],
  ...['too_many_nodes', 'too_many_edges'],
])

/** Of the innermost part of the path that the file has: the line of its key, in a map. */
function lineOf(document: Document, lines: LineCounter, path: string): number {
  const steps = [...path.matchAll(/\[(\d+)\]|\.([^.[]+)/g)].map(([, index, key]) => (index ? Number(index) : key))
  let at: unknown = document.contents
  let offset = 0
  for (const step of steps) {
    if (isMap(at)) {
      const pair = at.items.find(({ key }) => isNode(key) && 'value' in key && key.value === step)
      if (!pair) break
      offset = isNode(pair.key) ? (pair.key.range?.[0] ?? offset) : offset
      at = pair.value
    } else if (isNode(at) && 'items' in at && typeof step === 'number') {
      at = at.items[step]
      offset = isNode(at) ? (at.range?.[0] ?? offset) : offset
    } else break
  }
  return lines.linePos(offset).line
}

const invalid = (message: string, line: number): DeedError =>
  new DeedError('invalid_manifest', `line ${line}: ${message}`, { path: '$', details: { line } })

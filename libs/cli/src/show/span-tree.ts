/** A trace as a tree: who did what, how long it took, and when within the whole. */
import type { TraceSpan } from '@deed/proto/trace'
import { exposedLine } from '@deed/text/exposed-text'
import { duration } from '../terminal/amounts.ts'
import type { Paint } from '../terminal/paint.ts'
import { plainLine } from '../terminal/plain-text.ts'

/** A span, and the service that recorded it. */
export interface ServedTraceSpan extends TraceSpan {
  readonly service: string
}

export interface SpanTreeOptions {
  readonly paint: Paint
  /** Characters a line. */
  readonly width: number
  /** With the statements of databases, with events and links. */
  readonly verbose: boolean
}

const SERVICE_WIDTH = 18
const TIME_WIDTH = 8
const BAR_WIDTH = 14
const NAME_WIDTH_MIN = 20
/** Below this a span stands no further to the right. */
const DEPTH_MAX = 8

/** Whether it is shown only if asked for: there are many, and each is short. */
export const isStatement = ({ attributes }: TraceSpan): boolean => attributes['db.system.name'] !== undefined

/** A line for each span, in the order of their beginnings; below it why it failed. */
export function spanTree(spans: readonly ServedTraceSpan[], { paint, width, verbose }: SpanTreeOptions): string {
  const shown = spans
    .filter((span) => verbose || span.failed || !isStatement(span))
    .toSorted((one, other) => one.start_ms - other.start_ms)
  const ids = new Set(shown.map(({ span_id: id }) => id))
  const children = new Map<string, ServedTraceSpan[]>()
  const tops: ServedTraceSpan[] = []
  for (const span of shown) {
    const { parent_id: parent } = span
    if (parent === null || !ids.has(parent)) tops.push(span)
    else children.set(parent, [...(children.get(parent) ?? []), span])
  }
  const start = Math.min(...shown.map(({ start_ms: at }) => at))
  const end = Math.max(...shown.map(({ start_ms: at, duration_ms: ms }) => at + ms))
  const nameWidth = Math.max(NAME_WIDTH_MIN, width - SERVICE_WIDTH - TIME_WIDTH - BAR_WIDTH - 3)
  const lines: string[] = []
  const put = (span: ServedTraceSpan, branch: string, indent: string, depth: number): void => {
    const below = children.get(span.span_id) ?? []
    // Its parent is in a process that has forgotten it, or died with it.
    const lost = span.parent_id !== null && !ids.has(span.parent_id)
    const text = plainLine(`${lost ? '? ' : ''}${span.name}`, nameWidth - branch.length)
    const name = `${branch}${text}`.padEnd(nameWidth)
    const time = duration(span.duration_ms).padStart(TIME_WIDTH)
    const facts = `${plainLine(span.service, SERVICE_WIDTH).padEnd(SERVICE_WIDTH)} ${time}`
    lines.push(`${span.failed ? paint('red', name) : name} ${paint('dim', facts)} ${bar(span, start, end)}`.trimEnd())
    const inner = `${indent}${below.length > 0 ? '│  ' : '   '}`
    for (const detail of details(span, verbose)) {
      lines.push(paint(detail.failed ? 'red' : 'dim', `${inner}${exposedLine(detail.text)}`.slice(0, width)))
    }
    for (const [index, child] of below.entries()) {
      const last = index === below.length - 1
      const deeper = depth < DEPTH_MAX
      put(child, `${indent}${last ? '└─ ' : '├─ '}`, deeper ? `${indent}${last ? '   ' : '│  '}` : indent, depth + 1)
    }
  }
  for (const top of tops) put(top, '', '', 1)
  return lines.join('\n')
}

/** Where in the whole it was. At least one character. */
function bar({ start_ms: at, duration_ms: ms }: TraceSpan, start: number, end: number): string {
  const scale = BAR_WIDTH / Math.max(1, end - start)
  const before = Math.min(BAR_WIDTH - 1, Math.floor((at - start) * scale))
  const length = Math.max(1, Math.min(BAR_WIDTH - before, Math.round(ms * scale)))
  return `${' '.repeat(before)}${'█'.repeat(length)}`
}

function details({ failed, message, events, links }: TraceSpan, verbose: boolean): { text: string; failed: boolean }[] {
  const why = failed && message !== undefined ? [{ text: message, failed: true }] : []
  if (!verbose) return why
  return [
    ...why,
    ...events
      .filter(({ name }) => name !== 'exception')
      .map(({ name, attributes }) => ({ text: `${name}: ${Object.values(attributes).join(', ')}`, failed: false })),
    ...links.map(({ trace_id, span_id, attributes }) => ({
      text: `linked to ${span_id} of ${trace_id}: ${Object.values(attributes).join(', ')}`,
      failed: false,
    })),
  ]
}

/**
 * file.read: the text of a file, whole or some of its lines, without secrets; of a folder, what is in it. Proved by opening
 * the file again and comparing the bytes.
 */
import { counted } from '@deed/config/counted'
import { nearest } from '@deed/config/nearest'
import { DeedError } from '@deed/proto/errors'
import { defined } from '@deed/proto/json'
import { z } from 'zod'
import type { Context, Effect, Kind } from '../kind/kind.ts'
import { readingOnly } from '../kind/reading-only.ts'
import { segmentsOf } from '../workspace/workspace.ts'
import type { Encoding } from './encoding.ts'
import { fileList } from './file-list.ts'
import { shownName } from './file-name.ts'
import { isFolder } from './named-folder.ts'
import { lastOf } from './regular-file.ts'
import { hashOfRange, type OpenText, openText, piecesOf } from './text-pieces.ts'
import { namesIn } from './walk-files.ts'

/** What one reading shows at most; the rest is asked for by its lines. */
const CHARS_MAX = 30_000
const LINES_MAX = 10_000
/** In which the last lines are looked for. */
const LAST_BYTES = 512 * 1024
const LINE_MAX = 1_000_000_000

const Input = z
  .strictObject({
    path: z.string().min(1).max(4096),
    /** The first line that is read, from 1. */
    from: z.int().min(1).max(LINE_MAX).optional(),
    /** The last line that is read. */
    to: z.int().min(1).max(LINE_MAX).optional(),
    /** How many lines at the end are read, instead of `from` and `to`. */
    last: z.int().min(1).max(LINES_MAX).optional(),
  })
  .refine(({ from, to, last }) => last === undefined || (from === undefined && to === undefined), {
    message: 'give last, or from and to',
    path: ['last'],
  })
  .refine(({ from = 1, to = LINE_MAX }) => from <= to, { message: 'must not be before from', path: ['to'] })
export type FileRead = z.output<typeof Input>

export const fileRead: Kind<FileRead> = {
  ...readingOnly,
  name: 'file.read',
  version: 1,
  waits: true,
  input: Input,
  example: { path: 'notes/today.md', from: 1, to: 20 },
  summary: (input) => `read ${wordsOf(input)}`,
  async before(input, context) {
    if (!listsFolder(input, context)) opened(input.path, context)[Symbol.dispose]()
    return { state: 'read' }
  },
  postcondition: () => ({ kind: 'same_again' }),
  async execute(input, context, before) {
    const { path } = input
    return listsFolder(input, context)
      ? fileList.execute({ path }, context, before)
      : effectOf(input, await readLines(input, context))
  },
  async again(input, context, first) {
    const { path } = input
    if (listsFolder(input, context)) return fileList.again!({ path }, context, first)
    const { begin, end, sha256, bytes } = first.facts as unknown as Reading['range'] & { bytes: number }
    using file = opened(path, context)
    const facts = { sha256, bytes: file.size }
    const unchanged = file.size >= end && (await hashOfRange(file.fd, { begin, end })) === sha256
    if (unchanged && file.size === bytes)
      return { outcome: 'verified', same: true, observed: `opened again, ${path} has the same bytes`, facts }
    const newer = effectOf(input, await readLines(input, context))
    if (unchanged && file.size > bytes) {
      const more = counted(file.size - bytes, 'byte')
      const observed = `opened again, ${path} has the same bytes and ${more} more at its end`
      return { outcome: 'verified', same: true, observed, facts, result: newer.result }
    }
    // The newer reading is what the next one is compared with.
    Object.assign(first, newer)
    return { outcome: 'failed', same: false, observed: `opened again, ${path} has other bytes`, facts }
  },
}

interface Reading {
  readonly lines: readonly string[]
  /** The number of the first line; absent where it was not counted. */
  readonly from?: number
  /** There is more of what was asked for. */
  readonly truncated: boolean
  /** `undefined`: it is not text. */
  readonly encoding: Encoding | undefined
  /** Of the whole file, in bytes. */
  readonly size: number
  /** Of the bytes that were read. */
  readonly range: { readonly begin: number; readonly end: number; readonly sha256: string }
}

/** Who asks what is in it need not know that it is a folder. */
const listsFolder = ({ path, from, to, last }: FileRead, { workspace }: Context): boolean =>
  from === undefined && to === undefined && last === undefined && isFolder(workspace, path)

function opened(path: string, context: Context): OpenText {
  const segments = segmentsOf(context.workspace, path)
  if (isFolder(context.workspace, path))
    throw new DeedError('not_a_regular_file', `${path} is a folder; file.list lists what is in it`)
  const file = openText(context.workspace, segments, context.world)
  if (file) return file
  const meant = nearest(lastOf(segments), namesIn(context.workspace, segments.slice(0, -1)))
  throw new DeedError('not_found', `${path} does not exist${meant === undefined ? '' : `; did you mean ${meant}?`}`)
}

async function readLines({ path, from = 1, to = LINE_MAX, last }: FileRead, context: Context): Promise<Reading> {
  using file = opened(path, context)
  const name = lastOf(segmentsOf(context.workspace, path))
  const { encoding, pieces, readRange } = await piecesOf(file, name, last === undefined ? undefined : LAST_BYTES)
  let lines: string[] = []
  let [chars, seen, truncated] = [0, 0, false]
  for await (const { firstLine, raw, clean } of pieces) {
    context.signal.throwIfAborted()
    seen += raw.length
    if (seen < from) continue
    const wanted = clean().slice(Math.max(0, from - firstLine), to - firstLine + 1)
    if (last !== undefined) {
      lines = [...lines, ...wanted].slice(-last)
      continue
    }
    for (const line of wanted) {
      const room = CHARS_MAX - chars
      truncated ||= room < line.length || lines.length === LINES_MAX
      if (truncated && (room <= 0 || lines.length > 0)) break
      lines.push(line.slice(0, room))
      chars += line.length
    }
    if (truncated || firstLine + raw.length > to) break
  }
  const range = readRange()
  const shown = last === undefined ? lines : lastThatFit(lines)
  const first = last === undefined ? from : range.begin === 0 ? seen - shown.length + 1 : undefined
  return {
    lines: shown,
    ...defined({ from: first }),
    truncated: truncated || (last !== undefined && shown.length < Math.min(last, range.begin === 0 ? seen : last)),
    encoding,
    size: file.size,
    range,
  }
}

/** The last ones, as many as may be shown. */
function lastThatFit(lines: readonly string[]): string[] {
  let chars = 0
  const from = lines.findLastIndex((line) => {
    chars += line.length
    return chars > CHARS_MAX
  })
  const shown = lines.slice(from + 1)
  return shown.length > 0 || lines.length === 0 ? shown : [lines.at(-1)!.slice(-CHARS_MAX)]
}

function effectOf(input: FileRead, { lines, from, truncated, encoding, size, range }: Reading): Effect {
  const path = shownName(input.path)
  const facts = { ...range, bytes: size }
  if (encoding === undefined)
    return {
      claimed: `read ${counted(size, 'byte')} of ${path}`,
      result: {
        text: `${path} is not text (${counted(size, 'byte')}), so it is not shown`,
        data: { path: input.path, bytes: size, binary: true },
      },
      facts,
    }
  const to = from === undefined ? undefined : from + lines.length - 1
  const content = lines.join('')
  const data = { path: input.path, bytes: size, binary: false, encoding, content, lines: lines.length, truncated }
  return {
    claimed: `read ${counted(lines.length, 'line')} of ${path}`,
    result: {
      text: textOf(path, input, content, { lines: lines.length, size, to, truncated }),
      data: { ...data, ...defined({ from, to }) },
    },
    facts,
  }
}

interface Shown {
  readonly lines: number
  readonly size: number
  readonly to: number | undefined
  readonly truncated: boolean
}

function textOf(path: string, input: FileRead, content: string, { lines, size, to, truncated }: Shown): string {
  if (size === 0) return `${path} is empty`
  if (lines === 0) return `${path} has no line ${input.from ?? 1}`
  const text = content.replace(/\r?\n$/, '')
  if (!truncated) return text
  const where = input.last === undefined ? `from line ${(to ?? 0) + 1}` : 'before'
  return `${text}\n(${path} has ${counted(size, 'byte')}; what is ${where} is not shown: ask for those lines)`
}

function wordsOf({ path, from, to, last }: FileRead): string {
  if (last !== undefined) return `the last ${counted(last, 'line')} of ${path}`
  if (from === undefined && to === undefined) return path
  return to === undefined ? `${path} from line ${from}` : `lines ${from ?? 1} to ${to} of ${path}`
}

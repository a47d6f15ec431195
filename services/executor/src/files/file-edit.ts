/**
 * file.edit: an exact text of one file replaced by another, where it occurs as often as it should. Undone by bringing back the
 * old bytes and mode.
 */
import { counted } from '@deed/config/counted'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import type { Kind } from '../kind/kind.ts'
import { type Encoding, encoded, encodingOf, placesIn } from './encoding.ts'
import { FILE_BYTES_MAX } from './regular-file.ts'
import { type Rewritten, type RewrittenBefore, rewriting } from './rewritten-file.ts'

const TEXT_CHARS_MAX = 200_000
const TIMES_MAX = 1_000_000
const LINES_NAMED_MAX = 5
const CHARS_SHOWN = 60

const Input = z.strictObject({
  path: z.string().min(1).max(4096),
  /** To the character, with its spaces and line breaks. */
  find: z.string().min(1).max(TEXT_CHARS_MAX),
  replace: z.string().max(TEXT_CHARS_MAX),
  /** How often it must occur, and is replaced; `all`: as often as it does, and once at least. */
  times: z.union([z.int().min(1).max(TIMES_MAX), z.literal('all')]).default(1),
})
export type FileEdit = z.output<typeof Input>

export const fileEdit: Kind<FileEdit, RewrittenBefore> = {
  name: 'file.edit',
  version: 1,
  input: Input,
  idempotent: true,
  waits: true,
  example: { path: 'notes/today.md', find: '# Today', replace: '# Tomorrow' },
  summary: ({ path, find, replace, times }) =>
    `replace ${shown(find)} by ${shown(replace)} in ${path}${times === 1 ? '' : `, ${timesOf(times)}`}`,
  ...rewriting(edited, ({ path }, { bytes, replaced }) => ({
    claimed: `replaced ${counted(replaced, 'place')} in ${path}`,
    result: {
      text: `edited ${path} (${counted(replaced, 'place')})`,
      data: { path, replaced, bytes: bytes.length },
    },
  })),
}

interface Edited extends Rewritten {
  readonly replaced: number
}

function edited({ path, find, replace, times }: FileEdit, old: Buffer | undefined): Edited {
  if (old === undefined) throw new DeedError('precondition_failed', `${path} does not exist`)
  const encoding = encodingOf(old, true)
  if (encoding === undefined) throw new DeedError('precondition_failed', `${path} is not text`)
  const [wanted, fresh] = [encoded(find, encoding), encoded(replace, encoding)]
  if (fresh === undefined)
    throw new DeedError('precondition_failed', `${path} is in ${encoding}, which cannot say ${shown(replace)}`)
  const places = wanted === undefined ? [] : placesIn(old, wanted, encoding, TIMES_MAX + 1)
  if (times === 'all' ? places.length === 0 || places.length > TIMES_MAX : places.length !== times)
    throw new DeedError('precondition_failed', wrongCount({ path, find, times }, old, encoding, places))
  const length = wanted?.length ?? 0
  if (old.length + places.length * (fresh.length - length) > FILE_BYTES_MAX)
    throw new DeedError('limit_exceeded', `${path} would be larger than ${FILE_BYTES_MAX} bytes`)
  const ends = [0, ...places.map((at) => at + length)]
  const parts = ends.flatMap((end, index) => {
    const part = old.subarray(end, places[index] ?? old.length)
    return index < places.length ? [part, fresh] : [part]
  })
  const bytes = Buffer.concat(parts)
  return { bytes, already: bytes.equals(old), replaced: places.length }
}

function wrongCount(
  { path, find, times }: Pick<FileEdit, 'path' | 'find' | 'times'>,
  old: Buffer,
  encoding: Encoding,
  places: readonly number[],
): string {
  const wanted = times === 'all' ? 'at least once' : timesOf(times)
  const found = places.length > TIMES_MAX ? `more than ${TIMES_MAX} times` : timesOf(places.length)
  const head = `${shown(find)} occurs ${found} in ${path}, not ${wanted}`
  if (places.length === 0) return `${head}${hintOf(find, old, encoding)}`
  const lines = places.slice(0, LINES_NAMED_MAX).map((at) => lineAt(old, at, encoding))
  const more = places.length > lines.length ? ' and on' : ''
  return `${head}: at line ${lines.join(', ')}${more}; find more of its surroundings, or say how often with times`
}

/** What it may have been meant to be, where it is not there. */
function hintOf(find: string, old: Buffer, encoding: Encoding): string {
  const isThere = (text: string): boolean => {
    const bytes = encoded(text, encoding)
    return bytes !== undefined && placesIn(old, bytes, encoding, 1).length > 0
  }
  if (isThere(find.replace(/\r?\n/g, '\r\n')) || isThere(find.replaceAll('\r\n', '\n')))
    return ': it is there with other line breaks'
  return find !== find.trim() && isThere(find.trim()) ? ': it is there with other spaces around it' : ''
}

const lineAt = (bytes: Buffer, at: number, encoding: Encoding): number =>
  placesIn(bytes.subarray(0, at), encoded('\n', encoding)!, encoding, Number.POSITIVE_INFINITY).length + 1

const timesOf = (times: number | 'all'): string =>
  times === 'all' ? 'wherever it is' : times === 1 ? 'once' : `${times} times`

const shown = (text: string): string =>
  JSON.stringify(text.length > CHARS_SHOWN ? `${text.slice(0, CHARS_SHOWN)}...` : text)

/**
 * file.append: lines added at the end of a file, which is created where there is none. Undone by bringing back the old bytes and
 * mode, or none.
 *
 * What is added are whole lines: where the file does not end with a line break, one is put before them, and one after them
 * where the text has none. The breaks are those of the first line of the file, and `\n` in one without any.
 */
import { counted } from '@deed/config/counted'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import type { Kind } from '../kind/kind.ts'
import { encoded, encodingOf, placesIn } from './encoding.ts'
import { FILE_BYTES_MAX } from './regular-file.ts'
import { type Rewritten, type RewrittenBefore, rewriting } from './rewritten-file.ts'

const TEXT_CHARS_MAX = 1_000_000

const Input = z.strictObject({
  path: z.string().min(1).max(4096),
  text: z.string().min(1).max(TEXT_CHARS_MAX),
})
export type FileAppend = z.output<typeof Input>

export const fileAppend: Kind<FileAppend, RewrittenBefore> = {
  name: 'file.append',
  version: 1,
  input: Input,
  // Twice is two times the lines.
  idempotent: false,
  waits: true,
  example: { path: 'notes/today.md', text: '- call the plumber' },
  summary: ({ path, text }) => `add ${linesOf(text)} at the end of ${path}`,
  ...rewriting(appended, ({ path, text }, { bytes }, { state }) => ({
    claimed: `added ${linesOf(text)} to ${path}`,
    result: {
      text: `${state === 'absent' ? 'created' : 'added to'} ${path} (${linesOf(text)})`,
      data: { path, lines: countOf(text), bytes: bytes.length },
    },
  })),
}

function appended({ path, text }: FileAppend, old: Buffer = Buffer.alloc(0)): Rewritten {
  const encoding = encodingOf(old, true)
  if (encoding === undefined) throw new DeedError('precondition_failed', `${path} is not text`)
  const [feed, windows] = [encoded('\n', encoding)!, encoded('\r\n', encoding)!]
  const [first] = placesIn(old, feed, encoding, 1)
  const before = first === undefined ? undefined : first - (windows.length - feed.length)
  const isWindows = before !== undefined && before >= 0 && old.subarray(before, before + windows.length).equals(windows)
  const lineBreak = isWindows ? '\r\n' : '\n'
  const opens = old.length > 0 && !old.subarray(-feed.length).equals(feed) ? lineBreak : ''
  const closes = text.endsWith('\n') ? '' : lineBreak
  const added = encoded(opens + text.replace(/\r?\n/g, lineBreak) + closes, encoding)
  if (added === undefined)
    throw new DeedError('precondition_failed', `${path} is in ${encoding}, which cannot say all of the text`)
  if (old.length + added.length > FILE_BYTES_MAX)
    throw new DeedError('limit_exceeded', `${path} would be larger than ${FILE_BYTES_MAX} bytes`)
  return { bytes: Buffer.concat([old, added]), already: false }
}

const countOf = (text: string): number => text.replace(/\r?\n$/, '').split('\n').length

const linesOf = (text: string): string => counted(countOf(text), 'line')

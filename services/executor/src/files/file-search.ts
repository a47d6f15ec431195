/**
 * file.search: the lines of files that have a text, or match a regular expression, without secrets. Proved by searching again.
 */
import { counted } from '@deed/config/counted'
import { DeedError } from '@deed/proto/errors'
import { exposedName } from '@deed/text/exposed-text'
import { z } from 'zod'
import type { Context, Effect, Kind } from '../kind/kind.ts'
import { readingOnly } from '../kind/reading-only.ts'
import { shownName } from './file-name.ts'
import { codeOf } from './folder.ts'
import { linesWithin } from './lines-within.ts'
import { type LineMatcher, matchExpression, matchText, refuseMalformed } from './match-lines.ts'
import { placesNamed } from './named-places.ts'
import { lastOf } from './regular-file.ts'
import { openText, piecesOf, withoutBreak } from './text-pieces.ts'

const MATCHES_MAX = 500
const FILES_MAX = 20_000
const SEARCH_MS_MAX = 15_000
/** For the lines of one piece of a file, a quarter of a megabyte. */
const EXPRESSION_MS_MAX = 2_000
const LINE_CHARS_SHOWN = 300
/** Of a long line, this much is shown of what is before the match. */
const CHARS_BEFORE = 100

const Input = z
  .strictObject({
    /** As it is, within one line. */
    text: z.string().min(1).max(1_000).optional(),
    /** Of JavaScript, with the flag u; matched against each line. */
    regex: z.string().min(1).max(1_000).optional(),
    /** A folder with all that is in it, a file, or a glob. `.git` and `node_modules` are only searched where they are named. */
    path: z.string().min(1).max(4096).default('.'),
    ignore_case: z.boolean().default(false),
  })
  .refine(({ text, regex }) => (text === undefined) !== (regex === undefined), {
    message: 'give one of text and regex',
    path: ['text'],
  })
export type FileSearch = z.output<typeof Input>

export const fileSearch: Kind<FileSearch> = {
  ...readingOnly,
  name: 'file.search',
  version: 1,
  input: Input,
  example: { text: 'TODO', path: 'src' },
  summary: (input) => `find ${wantedOf(input)} in ${whereOf(input)}`,
  async before({ path, regex }, context) {
    if (regex !== undefined) refuseMalformed(regex)
    placesNamed(path, context)
    return { state: 'read' }
  },
  postcondition: () => ({ kind: 'same_again' }),
  execute: async (input, context) => effectOf(input, await search(input, context)),
  async again(input, context, first) {
    const old = first.result.data as unknown as Pick<Searched, 'matches'>
    const found = await search(input, context)
    const newer = effectOf(input, found)
    const facts = { matches: found.matches.length, files: found.files }
    // It may have had less time than the first, which is in the same order.
    if (found.cut === 'time' && isIn(found.matches, old.matches))
      return { outcome: 'verified', same: true, observed: 'a second search found the same as far as it came', facts }
    if (isIn(old.matches, found.matches)) {
      const more = found.matches.length - old.matches.length
      const observed = `a second search found the same${more === 0 ? '' : ` and ${counted(more, 'newer line')}`}`
      return { outcome: 'verified', same: true, observed, facts, ...(more === 0 ? {} : { result: newer.result }) }
    }
    // What was searched has changed between the two. The newer one is what the next is compared with.
    Object.assign(first, newer)
    return { outcome: 'failed', same: false, observed: 'a second search did not find the same', facts }
  },
}

interface Match {
  readonly path: string
  readonly line: number
  readonly text: string
}

interface Searched {
  readonly matches: readonly Match[]
  /** How many were searched. */
  readonly files: number
  /** How many were not: no text, no right to read them, hard links. */
  readonly leftOut: number
  /** By which bound the search ended before its end. */
  readonly cut: 'matches' | 'files' | 'time' | undefined
}

function isIn(few: readonly Match[], many: readonly Match[]): boolean {
  const known = new Set(many.map(keyOf))
  return few.every((match) => known.has(keyOf(match)))
}

const keyOf = ({ path, line, text }: Match): string => `${path}\0${line}\0${text}`

async function search(input: FileSearch, context: Context): Promise<Searched> {
  const { text: wanted, regex = '', ignore_case: ignoreCase } = input
  await using matcher =
    wanted === undefined ? await matchExpression(regex, ignoreCase, EXPRESSION_MS_MAX) : matchText(wanted, ignoreCase)
  const places = placesNamed(input.path, context)
  const endsAt = performance.now() + SEARCH_MS_MAX
  const matches: Match[] = []
  let [files, leftOut] = [0, 0]
  for await (const found of places.walk(true)) {
    if (found.type !== 'file') continue
    const cut = files === FILES_MAX ? 'files' : performance.now() > endsAt ? 'time' : undefined
    if (cut) return { matches, files, leftOut, cut }
    const path = shownName(places.shown(found))
    const ended = await searchFile(found.segments, context, { matcher, endsAt }, (line, text) => {
      matches.push({ path, line, text })
      return matches.length < MATCHES_MAX
    }).catch((error: unknown) => leftOutOrThrow(error, context))
    if (ended === 'left out') leftOut++
    else files++
    if (ended === 'cut') return { matches, files, leftOut, cut: matches.length < MATCHES_MAX ? 'time' : 'matches' }
  }
  return { matches, files, leftOut, cut: undefined }
}

/** @param take is given each match; false ends the search */
async function searchFile(
  segments: readonly string[],
  context: Context,
  { matcher, endsAt }: { matcher: LineMatcher; endsAt: number },
  take: (line: number, text: string) => boolean,
): Promise<'searched' | 'left out' | 'cut'> {
  using file = openText(context.workspace, segments, context.world)
  if (!file) return 'left out'
  const { encoding, pieces } = await piecesOf(file, lastOf(segments))
  if (encoding === undefined) return 'left out'
  for await (const { firstLine, raw, clean } of pieces) {
    context.signal.throwIfAborted()
    if (performance.now() > endsAt) return 'cut'
    if ((await matcher.hits(raw)).length === 0) continue
    // Only what may be shown can be found, so that no search tells what a secret is.
    const lines = clean().map(withoutBreak)
    for (const [line, at] of await matcher.hits(lines))
      if (!take(firstLine + line, shownLine(lines[line] ?? '', at))) return 'cut'
  }
  return 'searched'
}

/** A file that cannot be read ends no search, unlike an expression that takes too long, or the end of the attempt. */
function leftOutOrThrow(error: unknown, { signal }: Context): 'left out' {
  const unreadable =
    error instanceof DeedError ? UNREADABLE.has(error.code) && error.path === undefined : codeOf(error) === 'EACCES'
  if (unreadable && !signal.aborted) return 'left out'
  throw error
}

/** A hard link, a file that a link has taken the place of, one where credentials lie, or one with endless lines. */
const UNREADABLE: ReadonlySet<string> = new Set([
  ...['not_a_regular_file', 'path_outside_workspace', 'symlink_loop', 'protected_path', 'limit_exceeded'],
])

function shownLine(line: string, at: number): string {
  if (line.length <= LINE_CHARS_SHOWN) return line
  const from = Math.max(0, at - CHARS_BEFORE)
  const to = from + LINE_CHARS_SHOWN
  return `${from > 0 ? '...' : ''}${line.slice(from, to)}${to < line.length ? '...' : ''}`
}

const wantedOf = ({ text, regex }: Pick<FileSearch, 'text' | 'regex'>): string =>
  text === undefined ? `/${regex}/` : JSON.stringify(text)

const whereOf = ({ path }: Pick<FileSearch, 'path'>): string => (path === '.' ? 'the workspace' : shownName(path))

const CUT = {
  matches: `it ended after ${MATCHES_MAX} lines`,
  files: `it ended after ${FILES_MAX} files`,
  time: `it ended after ${SEARCH_MS_MAX / 1_000} s`,
}

function effectOf(input: FileSearch, searched: Searched): Effect {
  const { matches, files, leftOut, cut } = searched
  const within = counted(new Set(matches.map(({ path }) => path)).size, 'file')
  const lines = counted(matches.length, 'line')
  const notes = [
    ...(cut === undefined ? [] : [`${CUT[cut]}: name a folder or a glob, to search less`]),
    ...(leftOut === 0 ? [] : [`${counted(leftOut, 'file')} left out: no text, or not to be read`]),
  ]
  const head =
    matches.length === 0
      ? `no line of ${counted(files, 'file')} in ${whereOf(input)} has ${wantedOf(input)}`
      : `${lines} in ${within}`
  const all = [head + (notes.length === 0 ? '' : ` (${notes.join('; ')})`), ...matches.map(shownMatch)]
  return {
    claimed: `searched ${counted(files, 'file')}, and found ${lines}`,
    result: {
      text: linesWithin(all, all.length),
      data: { matches: matches.map((match) => ({ ...match })), files, left_out: leftOut, truncated: cut !== undefined },
    },
    facts: { matches: matches.length, files },
  }
}

const shownMatch = ({ path, line, text }: Match): string => `${exposedName(path)}:${line}: ${text}`

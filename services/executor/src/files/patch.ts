/**
 * Unified diffs as people's git writes them, applied strictly: every hunk at the very line it names, every line of
 * context as the file has it. What does not fit there is refused, and never put in another place that fits as well.
 *
 * Bytes are handled one to a character, so that files in any encoding come through as they are.
 */
import { DeedError } from '@deed/proto/errors'
import { parsePatch, type StructuredPatch } from 'diff'

export interface FilePatch {
  /** Without the prefix `a/`, `b/` or the like; `null` for /dev/null; absent where the diff has no header. */
  readonly from?: string | null | undefined
  readonly to?: string | null | undefined
  readonly hunks: readonly Hunk[]
  /** Whether the file is to be a program; absent: as it was. */
  readonly executable?: boolean | undefined
  /** `from` stays as it is. */
  readonly copies?: boolean | undefined
}

interface Hunk {
  /** Of the first line that it touches, or before which it adds, from 1. */
  readonly oldLine: number
  readonly newLine: number
  /** With their line breaks, one byte to a character. */
  readonly old: readonly string[]
  readonly new: readonly string[]
}

/**
 * The files of a diff, in its order. Text around them, as in a mail, is passed over.
 *
 * @param field of the input, for errors
 * @throws {DeedError} `invalid_request`
 */
export function parseDiff(text: string, field: string): FilePatch[] {
  const refuse = (why: string) => new DeedError('invalid_request', why, { path: `$.input.${field}` })
  if (/^(?:GIT binary patch|Binary files .* differ)\r?$/m.test(text))
    throw refuse('the diff has a file that is not text; put that one there by itself')
  if (/^(?:(?:new|deleted) file mode|(?:old|new) mode|index \S+) 1[26]0000\r?$/m.test(text))
    throw refuse('the diff makes or changes a symbolic link or a submodule')
  const parsed = parsedOr(text, refuse)
  const heads = text.split(/^(?=diff --git )/m).filter((section) => section.startsWith('diff --git '))
  const pairs = heads.map(namesIn)
  const git = parsed.filter(({ isGit }) => isGit)
  const named = parsed.map((file) => withNames(file, pairs[git.indexOf(file)] ?? []))
  // With prefixes, the two names of a file always differ.
  const same = ([from, to]: readonly (string | undefined)[]) => from !== undefined && from === to && from !== NONE
  const prefixed = !pairs.some(same) && !named.some((file) => same([file.oldFileName, file.newFileName]))
  const files = named.map((file) => filePatch(file, prefixed))
  const empty = files.find(
    ({ hunks, from, to, executable }) => hunks.length === 0 && from === to && executable === undefined,
  )
  if (files.length === 0 || empty) throw refuse(`the diff has no hunk${empty?.to ? ` for ${empty.to}` : ''}`)
  if (files.some(({ from, to }) => `${from}${to}`.includes('\ufffd')))
    throw refuse('the diff names a file by bytes that are no text')
  return files
}

const NONE = '/dev/null'

/** What ends a patch in a mail looks like one more line to remove. */
const SIGNATURE = /\n-- \r?\n\d+\.\d+[^\n]*(?=\s*(?:\nFrom |$))/g

function parsedOr(text: string, refuse: (why: string) => DeedError): StructuredPatch[] {
  try {
    return parsePatch(text)
  } catch (error) {
    const unsigned = text.replace(SIGNATURE, '')
    if (unsigned !== text) return parsedOr(unsigned, refuse)
    throw refuse(`the diff is malformed: ${(error as Error).message}`)
  }
}

/** The two names in the head of a file: without a prefix where it moves or is copied, else as they are. */
function namesIn(section: string): readonly string[] {
  const [head = ''] = section.split(/^(?:--- |@@ )/m, 1)
  const [file] = parsePatch(head)
  // Here the library adds the prefixes.
  if (file?.isRename || file?.isCopy)
    return [file.oldFileName, file.newFileName].map((name = '') => bare(name.slice(2)))
  const names = bare(head.split('\n', 1)[0]!).slice('diff --git '.length)
  const middle = (names.length - 1) / 2
  const [first, second] = [names.slice(0, middle), names.slice(middle + 1)]
  return names[middle] === ' ' && unprefixed(first) === unprefixed(second) ? [first, second] : []
}

const bare = (name: string): string => name.replace(/\r$/, '')

/** Fills in what a file without hunks does not say on lines of its own. */
function withNames(file: StructuredPatch, [first, second]: readonly (string | undefined)[]): StructuredPatch {
  const { isCreate, isDelete, isRename, isCopy, oldFileName, newFileName } = file
  const [from, to] =
    isRename || isCopy ? [first, second] : [oldFileName && bare(oldFileName), newFileName && bare(newFileName)]
  return {
    ...file,
    oldFileName: isCreate ? NONE : (from ?? first),
    newFileName: isDelete ? NONE : (to ?? second),
  } as StructuredPatch
}

function filePatch(file: StructuredPatch, prefixed: boolean): FilePatch {
  const { oldFileName, newFileName, isRename, isCopy, oldMode, newMode } = file
  const nameOf = (name: string | undefined) =>
    name === undefined ? undefined : name === NONE ? null : prefixed && !isRename && !isCopy ? unprefixed(name) : name
  return {
    from: nameOf(oldFileName),
    to: nameOf(newFileName),
    hunks: file.hunks.map(hunkOf),
    ...(newMode === undefined || newMode === oldMode ? {} : { executable: newMode.endsWith('755') }),
    ...(isCopy ? { copies: true } : {}),
  }
}

/** `a/` and `b/`; with diff.mnemonicPrefix of the index, the working tree, a commit or an object; `1/` and `2/` of two folders. */
const unprefixed = (name: string): string => name.replace(/^[abciow12]\//, '')

function hunkOf({ oldStart, newStart, lines }: StructuredPatch['hunks'][number]): Hunk {
  const [old, fresh]: [string[], string[]] = [[], []]
  let sides: string[][] = []
  for (const line of lines) {
    if (line.startsWith('\\')) {
      // It is about the line before: that one ends without a line break.
      for (const side of sides) side.push((side.pop() ?? '').slice(0, -1))
      continue
    }
    sides = line.startsWith('-') ? [old] : line.startsWith('+') ? [fresh] : [old, fresh]
    // An empty line of context may have lost its space on the way.
    for (const side of sides) side.push(`${Buffer.from(line.slice(1)).toString('latin1')}\n`)
  }
  return { oldLine: oldStart, newLine: newStart, old, new: fresh }
}

/** The diff that takes back what this one does. */
export const reversed = ({ from, to, hunks, executable }: FilePatch): FilePatch => ({
  from: to,
  to: from,
  hunks: hunks.map((hunk) => ({ oldLine: hunk.newLine, newLine: hunk.oldLine, old: hunk.new, new: hunk.old })),
  executable: executable === undefined ? undefined : !executable,
})

/**
 * @param bytes the file; of one that does not exist, none
 * @throws {DeedError} `precondition_failed` that names the line of the file
 */
export function applyHunks(bytes: Uint8Array, hunks: readonly Hunk[]): Buffer {
  const lines = linesOf(Buffer.from(bytes).toString('latin1'))
  const result: string[] = []
  let taken = 0
  for (const { oldLine, old, new: fresh } of hunks) {
    const start = oldLine - 1
    if (start < taken || start > lines.length || !old.every((line, i) => lines[start + i] === line))
      throw new DeedError('precondition_failed', whyNot(lines, old, oldLine))
    // One by one: there may be more of them than a call takes arguments.
    for (let at = taken; at < start; at++) result.push(lines[at]!)
    for (const line of fresh) result.push(line)
    taken = start + old.length
  }
  for (let at = taken; at < lines.length; at++) result.push(lines[at]!)
  const open = result.findIndex((line, i) => !line.endsWith('\n') && i < result.length - 1)
  if (open !== -1)
    throw new DeedError('precondition_failed', `line ${open + 1} would have no line break in the middle of the file`)
  return Buffer.from(result.join(''), 'latin1')
}

const PLACES_NAMED_MAX = 3

function whyNot(lines: readonly string[], old: readonly string[], oldLine: number): string {
  const places = lines.flatMap((_, start) =>
    old.length > 0 && old.every((line, i) => lines[start + i] === line) ? [start + 1] : [],
  )
  if (places.length > 0)
    return `the hunk is for line ${oldLine}, and what it changes is at line ${places.slice(0, PLACES_NAMED_MAX).join(' and ')}; make the diff again`
  const at = old.findIndex((line, i) => lines[oldLine - 1 + i] !== line)
  const unbroken = (line = '') => line.replace(/\r?\n?$/, '')
  const [theirs, own] = [lines[oldLine - 1 + at], old[at]]
  const breaks = theirs !== undefined && unbroken(theirs) === unbroken(own) ? ': only its line break is another' : ''
  return at === -1
    ? `the hunk at line ${oldLine} has no place in the file`
    : `line ${oldLine + at} of the file is not as the diff has it${breaks}`
}

/** With their line breaks; the last may have none. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

/**
 * A unified diff of one file, applied strictly: every hunk at the very line it names, every line of context as the file
 * has it. What does not fit is refused with its place, never guessed.
 *
 * Bytes are handled one to a character, so that files in any encoding come through as they are.
 */
import { DeedError } from '@deed/proto/errors'

export interface Patch {
  /** From the header, without `a/` or `b/`; `null` for /dev/null; absent where the diff has no header. */
  readonly from?: string | null
  readonly to?: string | null
  readonly hunks: readonly Hunk[]
}

interface Hunk {
  /** Of the first line that it touches, from 1; for a hunk that only adds, of the line that it adds behind. */
  readonly oldLine: number
  readonly newLine: number
  /** With their line breaks. */
  readonly old: readonly string[]
  readonly new: readonly string[]
}

/** @throws {DeedError} `invalid_request` that names the line of the diff */
export function parsePatch(diff: string): Patch {
  const lines = linesOf(Buffer.from(diff).toString('latin1'))
  const header: { from?: string | null; to?: string | null } = {}
  const hunks: Hunk[] = []
  let at = 0
  for (; at < lines.length && !lines[at]!.startsWith('@@'); at++) {
    const line = lines[at]!
    if (line.startsWith('--- ')) header.from = headerPath(line)
    else if (line.startsWith('+++ ')) header.to = headerPath(line)
    // What git writes above a diff; none of it is followed.
    else if (!/^(?:diff --git |index |\s*$)/.test(line)) throw malformed(at, 'is neither a header nor a hunk')
  }
  while (at < lines.length) {
    if (lines[at] === '\n') {
      at++
      continue
    }
    const { hunk, next } = hunkAt(lines, at)
    hunks.push(hunk)
    at = next
  }
  if (hunks.length === 0) throw new DeedError('invalid_request', 'the diff has no hunk', { path: '$.input.diff' })
  return { ...header, hunks }
}

/** The diff that takes back what this one does. */
export function reversed({ from, to, hunks }: Patch): Patch {
  return {
    ...(to === undefined ? {} : { from: to }),
    ...(from === undefined ? {} : { to: from }),
    hunks: hunks.map((hunk) => ({ oldLine: hunk.newLine, newLine: hunk.oldLine, old: hunk.new, new: hunk.old })),
  }
}

/**
 * @param bytes the file; of one that does not exist, none
 * @throws {DeedError} `precondition_failed` that names the line of the file
 */
export function applyPatch(bytes: Uint8Array, { hunks }: Patch): Buffer {
  const lines = linesOf(Buffer.from(bytes).toString('latin1'))
  const result: string[] = []
  let taken = 0
  for (const { oldLine, old, new: fresh } of hunks) {
    const start = old.length === 0 ? oldLine : oldLine - 1
    if (start < taken || start > lines.length)
      throw new DeedError('precondition_failed', `the hunk at line ${oldLine} has no place in the file`)
    result.push(...lines.slice(taken, start))
    old.forEach((line, i) => {
      if (lines[start + i] !== line)
        throw new DeedError('precondition_failed', `line ${start + i + 1} of the file is not as the diff has it`)
    })
    result.push(...fresh)
    taken = start + old.length
  }
  result.push(...lines.slice(taken))
  const open = result.findIndex((line, i) => !line.endsWith('\n') && i < result.length - 1)
  if (open !== -1)
    throw new DeedError('precondition_failed', `line ${open + 1} would have no line break in the middle of the file`)
  return Buffer.from(result.join(''), 'latin1')
}

const HUNK = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/

function hunkAt(lines: readonly string[], first: number): { hunk: Hunk; next: number } {
  const [, oldLine, oldCount = '1', newLine, newCount = '1'] = HUNK.exec(lines[first]!) ?? []
  if (oldLine === undefined) throw malformed(first, 'is no head of a hunk')
  const [old, fresh]: [string[], string[]] = [[], []]
  let at = first + 1
  for (; at < lines.length; at++) {
    const line = lines[at]!
    if (line.startsWith('\\')) {
      // It is about the line before: that one ends without a line break.
      const sides = lines[at - 1]?.startsWith('-') ? [old] : lines[at - 1]?.startsWith('+') ? [fresh] : [old, fresh]
      for (const side of sides) side.push((side.pop() ?? '').replace(/\n$/, ''))
      continue
    }
    if (old.length === Number(oldCount) && fresh.length === Number(newCount)) break
    // The last line of a diff may have lost its line break on the way; the file's line has one.
    const text = line.slice(1).replace(/\n?$/, '\n')
    if (line.startsWith(' ') || line === '\n') {
      old.push(line === '\n' ? '\n' : text)
      fresh.push(line === '\n' ? '\n' : text)
    } else if (line.startsWith('-')) old.push(text)
    else if (line.startsWith('+')) fresh.push(text)
    else throw malformed(at, 'is no line of a hunk')
  }
  if (old.length !== Number(oldCount) || fresh.length !== Number(newCount))
    throw malformed(first, `says ${oldCount} and ${newCount} lines, and has ${old.length} and ${fresh.length}`)
  return { hunk: { oldLine: Number(oldLine), newLine: Number(newLine), old, new: fresh }, next: at }
}

function headerPath(line: string): string | null {
  const path = line.slice(4).split('\t', 1)[0]!.trimEnd()
  return path === '/dev/null' ? null : Buffer.from(path.replace(/^[ab]\//, ''), 'latin1').toString()
}

/** With their line breaks; the last may have none. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

const malformed = (index: number, what: string) =>
  new DeedError('invalid_request', `line ${index + 1} of the diff ${what}`, { path: '$.input.diff' })

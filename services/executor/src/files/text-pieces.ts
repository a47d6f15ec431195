/**
 * A text file line by line for people to read: decoded, and without secrets. It is read in pieces, so that no file is too
 * large and no other work waits long.
 */
import { createHash } from 'node:crypto'
import { closeSync, read } from 'node:fs'
import { promisify } from 'node:util'
import { DeedError } from '@deed/proto/errors'
import { isSecretVariable, redactLines } from '@deed/telemetry/redact'
import type { World } from '../kind/kind.ts'
import { HIDDEN } from '../sandbox/protect-paths.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { type Encoding, encodingOf } from './encoding.ts'
import { openFolder } from './folder.ts'
import { lastOf, openToRead } from './regular-file.ts'

const PIECE_BYTES = 256 * 1024
/** A secret that began at most this far before a piece is found whole. */
const CONTEXT_CHARS = 16 * 1024
const LINE_CHARS_MAX = 4 * 1024 * 1024

export interface TextPiece {
  /** Of its first line, from 1; counted from where the reading began. */
  readonly firstLine: number
  /** Without line breaks, and with the secrets: never to be shown. */
  readonly raw: readonly string[]
  /** The same lines with their breaks, and without secrets. */
  clean(): string[]
}

export interface OpenText extends Disposable {
  readonly fd: number
  /** Of the file, when it was opened. */
  readonly size: number
}

/**
 * @returns `undefined` where there is no such file
 * @throws {DeedError} `protected_path`, and as `openToRead`
 */
export function openText(
  workspace: Workspace,
  segments: readonly string[],
  world: Pick<World, 'dataFolder'>,
): OpenText | undefined {
  refuseHiddenFrom(workspace, segments, world)
  using folder = openFolder(workspace, segments.slice(0, -1))
  const opened = folder && openToRead(folder, lastOf(segments))
  if (!opened) return undefined
  const { fd, stat } = opened
  return { fd, size: stat.size, [Symbol.dispose]: () => closeSync(fd) }
}

/** @throws {DeedError} `protected_path` for what is not even read */
export function refuseHiddenFrom(
  { root }: Workspace,
  segments: readonly string[],
  { dataFolder }: Pick<World, 'dataFolder'>,
): void {
  const name = segments.find((segment) => HIDDEN.has(segment.toLowerCase()))
  if (name !== undefined)
    throw new DeedError('protected_path', `${segments.join('/')} is not read: credentials lie in ${name}`)
  if (`${root}/${segments.join('/')}/`.startsWith(`${dataFolder}/`))
    throw new DeedError('protected_path', `${segments.join('/')} is not read: it belongs to Deed`)
}

export interface Pieces {
  /** `undefined`: it is not text, and has no pieces. */
  readonly encoding: Encoding | undefined
  readonly pieces: AsyncIterable<TextPiece>
  /** What has been read of it so far. */
  readRange(): { begin: number; end: number; sha256: string }
}

/** @param last how many bytes at the end are read; the first line of these, which may be a part of one, is left out */
export async function piecesOf({ fd, size }: OpenText, name: string, last = size): Promise<Pieces> {
  const head = await bytesAt(fd, 0, PIECE_BYTES)
  const encoding = encodingOf(head, head.length === size)
  const unit = encoding?.startsWith('utf-16') ? 2 : 1
  const begin = Math.max(0, size - last)
  const start = begin - (begin % unit)
  const hash = createHash('sha256')
  let end = start

  async function* pieces(known: Encoding): AsyncGenerator<TextPiece> {
    const decoder = new TextDecoder(known)
    const variables = holdsVariables(name)
    let [rest, before, firstLine] = ['', '', 1]
    for (let partial = start > 0, more = true; more; ) {
      const left = Math.min(PIECE_BYTES, Math.max(0, size - end))
      const bytes = start === 0 && end === 0 ? head : await bytesAt(fd, end, left)
      hash.update(bytes)
      end += bytes.length
      more = bytes.length > 0
      const text = rest + decoder.decode(bytes, { stream: more })
      const cut = more ? text.lastIndexOf('\n') + 1 : text.length
      rest = text.slice(cut)
      if (rest.length > LINE_CHARS_MAX)
        throw new DeedError('limit_exceeded', `${name} has a line of more than ${LINE_CHARS_MAX} characters`)
      if (cut === 0) continue
      const from = partial ? text.indexOf('\n') + 1 : 0
      const context = partial ? text.slice(0, from) : before
      const shown = text.slice(from, cut)
      partial = false
      before = tailOf(context + shown)
      const raw = linesOf(shown).map(withoutBreak)
      if (raw.length > 0) yield { firstLine, raw, clean: () => cleanLines(context, shown, variables) }
      firstLine += raw.length
    }
  }

  return {
    encoding,
    pieces: encoding === undefined ? noPieces() : pieces(encoding),
    readRange: () => ({ begin: start, end, sha256: hash.copy().digest('hex') }),
  }
}

async function* noPieces(): AsyncGenerator<TextPiece> {}

/** SHA-256 of a part of a file, in hex. */
export async function hashOfRange(fd: number, { begin, end }: { begin: number; end: number }): Promise<string> {
  const hash = createHash('sha256')
  for (let at = begin; at < end; ) {
    const bytes = await bytesAt(fd, at, Math.min(PIECE_BYTES, end - at))
    if (bytes.length === 0) break
    hash.update(bytes)
    at += bytes.length
  }
  return hash.digest('hex')
}

const readAt = promisify(read)

async function bytesAt(fd: number, position: number, length: number): Promise<Buffer> {
  const room = Buffer.allocUnsafe(length)
  const { bytesRead } = await readAt(fd, room, 0, length, position)
  return room.subarray(0, bytesRead)
}

/** A whole text as it may be shown. @param name of its file */
export const withoutSecrets = (text: string, name: string): string =>
  cleanLines('', text, holdsVariables(name)).join('')

const holdsVariables = (name: string): boolean => /^\.env(?:\.|$)|\.env$/i.test(name)

export const withoutBreak = (line: string): string => line.replace(/\r?\n$/, '')

/** With their breaks. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+/g) ?? []

function tailOf(text: string): string {
  if (text.length <= CONTEXT_CHARS) return text
  const from = text.indexOf('\n', text.length - CONTEXT_CHARS)
  return from === -1 ? '' : text.slice(from + 1)
}

function cleanLines(context: string, shown: string, variables: boolean): string[] {
  const lines = linesOf(redactLines(context + shown)).slice(linesOf(context).length)
  return variables ? lines.map(withoutVariable) : lines
}

/** Of a file of variables: the value of one whose name says that it is a secret. */
const withoutVariable = (line: string): string => {
  const [, head = '', name = '', value = ''] = /^(\s*(?:export\s+)?(\w+)[ \t]*=[ \t]*)(\S[^\r\n]*)/.exec(line) ?? []
  return value !== '' && isSecretVariable(name) ? line.replace(head + value, () => `${head}[redacted]`) : line
}

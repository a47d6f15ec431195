/** Brings the index of a folder up to date: every file is checked by its size, times and inode, and read where these differ. */
import { createHash } from 'node:crypto'
import { type BigIntStats, fstatSync, lstatSync, readFileSync } from 'node:fs'
import type { CodebaseAnalysis } from '@deed/proto/code'
import { DeedError } from '@deed/proto/errors'
import { decoded, encodingOf } from '../files/encoding.ts'
import { isText, shownName } from '../files/file-name.ts'
import { codeOf, type Folder, openFolder } from '../files/folder.ts'
import { isIgnored } from '../files/ignored.ts'
import { lastOf } from '../files/regular-file.ts'
import { openText, withoutSecrets } from '../files/text-pieces.ts'
import { walkFiles } from '../files/walk-files.ts'
import type { World } from '../kind/kind.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { isMade, languageOf } from './languages.ts'
import { placesOf, readSource, type SourceFacts } from './read-source.ts'
import type { SourceFile, SourceIndex } from './source-index.ts'

type LeftOut = CodebaseAnalysis['left_out'][number]

export const FILES_MAX = 50_000
/** Nobody writes that much source code into one file. */
const FILE_BYTES_MAX = 1_000_000
const TRANSACTION_FILES = 200
/** A change within the same tick of the file system's clock may leave all of its times as they are. */
const TICK_MS_MAX = 100

export interface Scanned {
  files: number
  read: number
  removed: number
  stopped: { why: 'time' | 'files'; left: number } | null
  leftOut: LeftOut[]
}

export interface ScanOptions {
  /** Paths that `.gitignore` leaves out; a folder stands for everything in it. */
  readonly ignored?: readonly string[]
  readonly world: Pick<World, 'dataFolder'>
  /** On the clock of `performance.now()`. */
  readonly endsAt: number
}

interface FileOnDisk {
  readonly path: string
  readonly segments: readonly string[]
  readonly stat: BigIntStats
}

/** @param workspace its base is the folder */
export async function scan(workspace: Workspace, index: SourceIndex, options: ScanOptions): Promise<Scanned> {
  const { met, notFiles, more } = await filesIn(workspace, new Set(options.ignored))
  const stale = met.filter(({ path, stat }) => index.files.get(path)?.stat !== statKey(stat))
  const removed = goneFrom(workspace, index, new Set(met.map(({ path }) => path)))
  if (removed.length > 0) await index.inTransaction(async () => removed.forEach((path) => void index.remove(path)))
  let [done, read] = [0, 0]
  while (done < stale.length && performance.now() < options.endsAt) {
    await index.inTransaction(async () => {
      for (const file of stale.slice(done, done + TRANSACTION_FILES)) {
        if (performance.now() > options.endsAt) break
        if (await readFile(workspace, file, index, options)) read++
        done++
      }
    })
  }
  const left = stale.length - done
  const stopped = left > 0 ? { why: 'time' as const, left } : more > 0 ? { why: 'files' as const, left: more } : null
  const known = met.flatMap(({ path }) => index.files.get(path) ?? [])
  const unparsed = known.flatMap(({ path, facts }) =>
    facts.unparsed === undefined ? [] : [{ path, leftOut: `${facts.unparsed}: only its words are known` }],
  )
  return {
    ...{ files: known.filter(({ leftOut }) => leftOut === undefined).length, read, removed: removed.length, stopped },
    leftOut: leftOutOf([...notFiles, ...known, ...unparsed]),
  }
}

async function filesIn(workspace: Workspace, ignored: ReadonlySet<string>) {
  const met: FileOnDisk[] = []
  const notFiles: Pick<SourceFile, 'path' | 'leftOut'>[] = []
  let more = 0
  const enters = (segments: readonly string[]) =>
    !isMade(lastOf(segments)) &&
    !isIgnored(workspace.ignore ?? [], segments.join('/')) &&
    !ignored.has(segments.join('/'))
  let [folder, open]: [string | undefined, Folder | undefined] = [undefined, undefined]
  try {
    for await (const { segments, type } of walkFiles(workspace, workspace.base, true, NEVER, enters)) {
      const path = segments.join('/')
      if (type === 'folder') {
        if (isMade(lastOf(segments))) notFiles.push({ path, leftOut: 'a folder that tools make' })
        else if (ignored.has(path)) notFiles.push({ path, leftOut: 'left out by .gitignore' })
        continue
      }
      if (ignored.has(path)) {
        notFiles.push({ path, leftOut: 'left out by .gitignore' })
        continue
      }
      if (!segments.every(isText)) notFiles.push({ path: shownName(path), leftOut: 'a name that is not text' })
      else if (type !== 'file') notFiles.push({ path, leftOut: type === 'link' ? 'a symbolic link' : 'not a file' })
      else if (met.length === FILES_MAX) more++
      else if (!isIgnored(workspace.ignore ?? [], path)) {
        const parent = path.slice(0, Math.max(0, path.length - lastOf(segments).length - 1))
        if (parent !== folder) {
          open?.[Symbol.dispose]()
          open = openFolder(workspace, segments.slice(0, -1))
          folder = parent
        }
        const stat = open && lstatSync(open.at(lastOf(segments)), { bigint: true, throwIfNoEntry: false })
        if (stat?.isFile()) met.push({ path, segments, stat })
      }
    }
  } finally {
    open?.[Symbol.dispose]()
  }
  return { met, notFiles, more }
}

const NEVER = new AbortController().signal

const statKey = ({ size, mtimeNs, ctimeNs, ino }: BigIntStats): string => `${size}:${mtimeNs}:${ctimeNs}:${ino}`

function goneFrom({ base }: Workspace, index: SourceIndex, met: ReadonlySet<string>): string[] {
  const below = base.length === 0 ? '' : `${base.join('/')}/`
  return [...index.files.keys()].filter((path) => path.startsWith(below) && !met.has(path))
}

/** @returns whether its content is new */
async function readFile(
  workspace: Workspace,
  { path, segments, stat }: FileOnDisk,
  index: SourceIndex,
  { world }: ScanOptions,
): Promise<boolean> {
  const old = index.files.get(path)
  const leaveOut = (why: string, hash = '', key = statKey(stat)): boolean => {
    index.put({ ...unread(path), stat: key, hash, leftOut: why }, [])
    return old?.leftOut !== why || (hash !== '' && old.hash !== hash)
  }
  if (stat.size > FILE_BYTES_MAX) return leaveOut(`larger than ${FILE_BYTES_MAX} bytes`)
  let [bytes, key]: [Buffer, string] = [Buffer.alloc(0), '']
  try {
    using file = openText(workspace, segments, world)
    // Gone meanwhile: the next scan notices.
    if (!file) return false
    const opened = fstatSync(file.fd, { bigint: true })
    const newest = Math.max(Number(opened.mtimeMs), Number(opened.ctimeMs))
    if (newest + TICK_MS_MAX < Date.now()) key = statKey(opened)
    if (file.size > FILE_BYTES_MAX) return leaveOut(`larger than ${FILE_BYTES_MAX} bytes`)
    bytes = readFileSync(file.fd)
  } catch (error) {
    const why = whyUnreadable(error)
    // Another time it may be readable.
    return leaveOut(why, '', why.startsWith(FAILS) ? '' : statKey(stat))
  }
  const hash = createHash('sha256').update(bytes).digest('hex')
  if (old?.hash === hash && old.leftOut === undefined) {
    index.put({ ...old, stat: key })
    return false
  }
  const encoding = encodingOf(bytes, true)
  if (encoding === undefined) return leaveOut('not text', hash, key)
  const text = withoutSecrets(decoded(bytes, encoding), lastOf(segments))
  const { language, grammar } = languageOf(path)
  const facts = await readSource(text, { language, ...(grammar === undefined ? {} : { grammar }) })
  const parsed = grammar !== undefined && facts.unparsed === undefined
  const provides = providedBy(lastOf(segments), text)
  index.put(
    { path, stat: key, hash, language, parsed, facts, ...(provides === undefined ? {} : { provides }) },
    placesOf(facts, text),
    text,
  )
  return true
}

/** The text of a file as it is shown and found: without secrets. @returns `undefined` where there is none */
export function readText(workspace: Workspace, path: string, world: Pick<World, 'dataFolder'>): string | undefined {
  const segments = path.split('/')
  try {
    using file = openText(workspace, segments, world)
    if (!file || file.size > FILE_BYTES_MAX) return undefined
    const bytes = readFileSync(file.fd)
    const encoding = encodingOf(bytes, true)
    return encoding === undefined ? undefined : withoutSecrets(decoded(bytes, encoding), lastOf(segments))
  } catch (error) {
    whyUnreadable(error)
    return undefined
  }
}

const NOTHING: SourceFacts = { lines: 0, symbols: [], imports: [], complexity: 0 }

const unread = (path: string) => ({ path, language: 'Other', parsed: false, facts: NOTHING })

/** @throws what is no answer about the file itself */
function whyUnreadable(error: unknown): string {
  if (error instanceof DeedError) return UNREADABLE[error.code] ?? error.code.replaceAll('_', ' ')
  const code = codeOf(error)
  if (code === undefined) throw error
  return code === 'EACCES' ? 'no right to read it' : `${FAILS} ${code}`
}

const FAILS = 'reading it fails:'

const UNREADABLE: Readonly<Record<string, string>> = {
  not_a_regular_file: 'a hard link, or not a file',
  path_outside_workspace: 'a symbolic link',
  symlink_loop: 'a symbolic link',
  protected_path: 'it may hold credentials',
}

/** How others import what is in the folder of a manifest. */
function providedBy(name: string, text: string): string | undefined {
  if (name === 'package.json') return /"name"\s*:\s*"([^"]{1,214})"/.exec(text)?.[1] ?? ''
  if (name === 'go.mod') return /^module\s+(\S+)/m.exec(text)?.[1] ?? ''
  if (name === 'Cargo.toml') return (/^name\s*=\s*"([^"]+)"/m.exec(text)?.[1] ?? '').replaceAll('-', '_')
  return ['pyproject.toml', 'setup.py', 'mix.exs', 'pom.xml', 'build.gradle'].includes(name) ? '' : undefined
}

const EXAMPLES_MAX = 5
const REASONS_MAX = 20

function leftOutOf(files: readonly Pick<SourceFile, 'path' | 'leftOut'>[]): LeftOut[] {
  const reasons = new Map<string, LeftOut>()
  for (const { path, leftOut } of files) {
    if (leftOut === undefined) continue
    const reason = reasons.get(leftOut) ?? { why: leftOut, files: 0, examples: [] }
    reason.files++
    if (reason.examples.length < EXAMPLES_MAX) reason.examples.push(path)
    reasons.set(leftOut, reason)
  }
  return [...reasons.values()].sort((a, b) => b.files - a.files).slice(0, REASONS_MAX)
}

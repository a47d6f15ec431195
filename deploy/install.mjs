/**
 * Brings node_modules and the bundled page of the console up to date before a script of the root package runs.
 *
 * It runs on whatever Node the machine has (20 or newer) and before anything is installed, so it uses built-ins
 * alone. When it ends, node_modules holds what package-lock.json names, and the `node` that npm scripts find on
 * their PATH can run the TypeScript of this repository. Two scripts may start it at once: one installs, one waits. The
 * page is bundled again whenever its sources have changed.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The oldest Node that has all the mesh uses: TypeScript without a flag, `using`, UUIDv7. */
const NODE_MIN = [24, 21]
/** The holder of the lock renews its time this often; one that missed several renewals was killed. */
const LOCK_RENEW_MS = 1_000
const LOCK_STALE_MS = 15_000
const LOCK_POLL_MS = 200
/** How often the progress is shown, on a terminal and elsewhere. */
const SHOW_LIVE_MS = 500
const SHOW_LINE_MS = 5_000

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'node_modules')
const stamp = join(modules, '.deed-lock')
// Outside node_modules, since `npm ci` empties that folder.
const lock = join(root, '.deed', 'install.lock')
const shell = process.platform === 'win32'

const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')

try {
  // Checked again under the lock: the previous holder may have done the work.
  if (!installed()) await underLock(async () => installed() || (await install()))
  checkNode()
  const { buildPage } = await import(pathToFileURL(join(root, 'services/console/build.mjs')).href)
  await buildPage()
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}

function installed() {
  return contents(stamp) === wanted
}

async function install() {
  const args = ['ci', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error']
  // Within an npm script: the same npm, on the Node that it was started with, since this one may be about to be replaced.
  const { npm_execpath: npm, npm_node_execpath: node = process.execPath } = process.env
  const child = npm
    ? spawn(node, [npm, ...args], { cwd: root, stdio: 'inherit' })
    : spawn('npm', args, { cwd: root, stdio: 'inherit', shell })
  const stopShowing = showProgress()
  try {
    await new Promise((resolve, reject) => {
      child.on('error', (cause) => reject(new Error(`npm could not be started: ${cause.message}`)))
      child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error('npm ci failed; its message is above'))))
    })
  } finally {
    stopShowing()
  }
  // Renamed into place, so that half a stamp is never taken for an install.
  writeFileSync(`${stamp}.new`, wanted)
  renameSync(`${stamp}.new`, stamp)
}

/** Says how many of the packages are there: on a terminal in one line that changes, else in a line now and then. */
function showProgress() {
  const folders = packagesOfHere().map((path) => join(root, path, 'package.json'))
  const begun = Date.now()
  const live = process.stdout.isTTY === true
  const show = () => {
    const there = folders.filter((file) => existsSync(file)).length
    const seconds = Math.round((Date.now() - begun) / 1_000)
    const line = `installing the dependencies: ${there} of ${folders.length} packages, ${seconds} s`
    process.stdout.write(live ? `\r\u001b[K${line}` : `${line}\n`)
  }
  show()
  const timer = setInterval(show, live ? SHOW_LIVE_MS : SHOW_LINE_MS)
  return () => {
    clearInterval(timer)
    if (live) process.stdout.write('\n')
  }
}

/** Where npm puts what the lock file names for this operating system and processor. */
function packagesOfHere() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const fits = (named, own) => {
    const names = [named ?? own].flat()
    return names.includes(own) || (names[0].startsWith('!') && !names.includes(`!${own}`))
  }
  return Object.entries(packages).flatMap(([path, { link, os, cpu, libc }]) =>
    path.includes('node_modules/') &&
    !link &&
    fits(os, process.platform) &&
    fits(cpu, process.arch) &&
    fits(libc, 'glibc')
      ? [path]
      : [],
  )
}

async function underLock(work) {
  mkdirSync(join(root, '.deed'), { recursive: true })
  while (!taken()) await sleep(LOCK_POLL_MS)
  const renewal = setInterval(() => utimesSync(lock, new Date(), new Date()), LOCK_RENEW_MS)
  try {
    await work()
  } finally {
    clearInterval(renewal)
    rmSync(lock, { recursive: true, force: true })
  }
}

function taken() {
  try {
    mkdirSync(lock)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  const { mtimeMs } = statSync(lock, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() }
  if (Date.now() - mtimeMs > LOCK_STALE_MS) rmSync(lock, { recursive: true, force: true })
  return false
}

function checkNode() {
  const PATH = `${join(modules, '.bin')}${delimiter}${process.env.PATH}`
  const { stdout } = spawnSync('node', ['--version'], { env: { ...process.env, PATH }, encoding: 'utf8', shell })
  const found = stdout?.trim()
  const [major = 0, minor = 0] = (found ?? '').replace('v', '').split('.').map(Number)
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return
  throw new Error(
    `Deed needs Node ${NODE_MIN.join('.')} or newer, and found ${found || 'none that runs'}.\n` +
      `npm brings its own for Linux (glibc) and Windows; here (${process.platform} ${process.arch}) ` +
      'install it from https://nodejs.org and run the command again.',
  )
}

function contents(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

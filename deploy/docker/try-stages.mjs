/**
 * What the stages of the Dockerfile do, as plain commands in a folder, where no container engine is:
 * `node deploy/docker/try-stages.mjs <empty folder>`.
 *
 * It copies what .dockerignore lets through, runs the commands of the stage `build`, compiles the confine helper where there is
 * a compiler, starts the command from there, and prints the size of /app. It shows nothing of the base images.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const MB_MAX = 350
const root = fileURLToPath(new URL('../..', import.meta.url))
const [folder = ''] = process.argv.slice(2)
if (folder === '') throw new Error('name an empty folder: node deploy/docker/try-stages.mjs /tmp/deed-image')
const app = resolve(folder, 'app')
mkdirSync(app, { recursive: true })
if (readdirSync(app).length > 0) throw new Error(`${app} is not empty`)

for (const path of context()) cpSync(join(root, path), join(app, path))
for (const command of commandsOf('build')) {
  console.log(`RUN ${command}`)
  execFileSync('sh', ['-ec', command], { cwd: app, stdio: 'inherit' })
}
const confine = join(app, 'services/executor/native/deed-confine')
const [compile = ''] = commandsOf('confine').filter((command) => command.startsWith('cc '))
const compiled = spawnSync('sh', ['-ec', compile.replaceAll(' /deed-confine', ` ${confine}`)], { stdio: 'inherit' })
console.log(
  compiled.status === 0 ? 'the confine helper is built' : 'NOT RUN: the confine helper, for lack of a compiler',
)

const said = execFileSync(
  process.execPath,
  ['--import', '@deed/telemetry/preload', 'libs/cli/bin/deed.mjs', '--version'],
  {
    cwd: app,
    encoding: 'utf8',
  },
)
console.log(`deed --version: ${said.trim()}`)
const { files, bytes } = sizeOf(app)
const megabytes = Math.ceil(bytes / 1e6)
console.log(`/app: ${files} files, ${megabytes} MB, of ${MB_MAX} at most; NOT RUN: base images, apt-get, labels`)
if (megabytes > MB_MAX) process.exitCode = 1

/** The commands of RUN in a stage. */
function commandsOf(stage) {
  const text = readFileSync(new URL('Dockerfile', import.meta.url), 'utf8').replaceAll('\\\n', ' ')
  const [, part = ''] = text.split(new RegExp(`^FROM .* AS ${stage}$`, 'm'))
  const [own = ''] = part.split(/^FROM /m)
  return [...own.matchAll(/^RUN (.*)$/gm)].map(([, command]) => command.replaceAll(/ +/g, ' '))
}

/** What git knows of, without what .dockerignore leaves out: a line with ! lets through, any other leaves out; the last counts. */
function context() {
  const rules = readFileSync(join(root, '.dockerignore'), 'utf8').trim().split('\n')
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  return listed
    .trim()
    .split('\n')
    .filter((path) => {
      let kept = true
      for (const rule of rules) if (matcher(rule.replace('!', '')).test(path)) kept = rule.startsWith('!')
      return kept
    })
}

/** A pattern also means what is below it. */
function matcher(pattern) {
  const text = pattern
    .replaceAll('.', '\\.')
    .replaceAll('**/', '(?:.+/)?')
    .replaceAll(/(?<!\))\*/g, '[^/]*')
  return new RegExp(`^${text}(?:/.*)?$`)
}

function sizeOf(path) {
  const found = lstatSync(path)
  if (!found.isDirectory()) return { files: 1, bytes: found.size }
  return readdirSync(path)
    .map((name) => sizeOf(join(path, name)))
    .reduce((sum, one) => ({ files: sum.files + one.files, bytes: sum.bytes + one.bytes }), { files: 0, bytes: 0 })
}

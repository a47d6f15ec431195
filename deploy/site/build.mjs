/**
 * Makes the site of the documentation, with a search of its own: `npm run site -- <empty folder> [/path of the site/]`.
 *
 * The pages are the Markdown files of the repository, under the same paths. VitePress is no dependency: npm installs it
 * into a temporary folder for one run. A link to a page that is not there fails it.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const VITEPRESS = 'vitepress@1.6.4'
/** What pages show is taken into them; anything else that they may link to lies beside them. */
const SHOWN = ['.md', '.png', '.svg']
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const [folder = '', base = '/'] = process.argv.slice(2)
if (folder === '') throw new Error('name an empty folder: npm run site -- /tmp/deed-site')
const target = resolve(folder)
mkdirSync(target, { recursive: true })
if (readdirSync(target).length > 0) throw new Error(`${target} is not empty`)

const work = mkdtempSync(join(tmpdir(), 'deed-site-'))
try {
  for (const file of tracked('*.md', 'docs', 'examples', 'LICENSE')) {
    const place = join(work, SHOWN.includes(extname(file)) ? 'pages' : 'pages/public', file)
    mkdirSync(dirname(place), { recursive: true })
    cpSync(join(ROOT, file), place)
  }
  cpSync(join(ROOT, 'deploy/site/config.mjs'), join(work, 'pages/.vitepress/config.mjs'))
  run('npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', work, VITEPRESS)
  run(
    process.execPath,
    join(work, 'node_modules/vitepress/bin/vitepress.js'),
    'build',
    join(work, 'pages'),
    '--base',
    base,
  )
  cpSync(join(work, 'pages/.vitepress/dist'), target, { recursive: true })
  console.log(`the site is in ${target}`)
} finally {
  rmSync(work, { recursive: true, force: true })
}

function tracked(...paths) {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', ...paths], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  return files.split('\n').filter((file) => file !== '' && existsSync(join(ROOT, file)))
}

function run(command, ...args) {
  execFileSync(command, args, { cwd: work, stdio: ['ignore', 'inherit', 'inherit'] })
}

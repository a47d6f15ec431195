/**
 * Bundles the page: page/ to dist/, with fingerprinted names, and brotli and gzip beside each file.
 *
 * It runs when the project is installed, on whatever Node that is, and when a server starts from a checkout whose page has
 * changed since. Several may run at once: each file is renamed into place, and the manifest comes last.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const here = fileURLToPath(new URL('.', import.meta.url))
const page = join(here, 'page')
/** What the page imports from outside; proto gives it types alone. */
const text = join(here, '../../libs/text/src')
const dist = join(here, 'dist')
const manifestFile = join(dist, 'manifest.json')

/** The hash of all that the bundle is made of; undefined without the sources. */
export function sourcesHash() {
  const hash = createHash('sha256')
  try {
    for (const folder of [page, text])
      for (const file of filesIn(folder))
        hash
          .update(file)
          .update('\0')
          .update(readFileSync(join(folder, file)))
          .update('\0')
    for (const file of ['build.mjs', 'package.json']) hash.update(readFileSync(join(here, file)))
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
  return hash.digest('hex')
}

/**
 * Bundles the page, all of it in one file: a quarter less to load than page by page, and none is missing after an upgrade.
 * Nothing is done if that was done with the same sources.
 *
 * @returns whether it did
 */
export async function buildPage() {
  const sources = sourcesHash()
  if (sources === undefined || sources === builtFrom()) return false
  const { build } = await import('esbuild')
  const { outputFiles, metafile } = await build({
    absWorkingDir: here,
    entryPoints: ['page/main.tsx', 'page/style.css'],
    outdir: 'dist/assets',
    entryNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.svg': 'file' },
    logLevel: 'silent',
    metafile: true,
    write: false,
  })
  const entries = Object.fromEntries(
    Object.entries(metafile.outputs).flatMap(([output, { entryPoint }]) =>
      entryPoint === undefined ? [] : [[entryPoint, `/assets/${basename(output)}`]],
    ),
  )
  const html = readFileSync(join(page, 'index.html'), 'utf8')
    .replaceAll('/main.tsx', entries['page/main.tsx'])
    .replaceAll('/style.css', entries['page/style.css'])
  mkdirSync(join(dist, 'assets'), { recursive: true })
  for (const { path, contents } of outputFiles) put(join(dist, 'assets', basename(path)), contents)
  put(join(dist, 'index.html'), Buffer.from(html))
  const files = ['index.html', ...outputFiles.map(({ path }) => `assets/${basename(path)}`)].sort()
  put(manifestFile, Buffer.from(JSON.stringify({ sources, files }, null, 2)), { compressed: false })
  removeOthers(new Set(files.map((file) => basename(file))))
  return true
}

function builtFrom() {
  try {
    return JSON.parse(readFileSync(manifestFile, 'utf8')).sources
  } catch {
    return undefined
  }
}

function put(file, contents, { compressed = true } = {}) {
  const forms = [['', contents]]
  if (compressed && ['.js', '.css', '.svg', '.html'].includes(extname(file))) {
    const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY }
    forms.push(['.br', brotliCompressSync(contents, { params })], ['.gz', gzipSync(contents, { level: 9 })])
  }
  for (const [form, bytes] of forms) {
    writeFileSync(`${file}${form}.${process.pid}`, bytes)
    renameSync(`${file}${form}.${process.pid}`, `${file}${form}`)
  }
}

/** Of earlier bundles. */
function removeOthers(names) {
  for (const file of readdirSync(join(dist, 'assets')))
    if (!names.has(file.replace(/\.(br|gz)$/, '')) && !/\.\d+$/.test(file))
      rmSync(join(dist, 'assets', file), { force: true })
}

function filesIn(folder, below = '') {
  return readdirSync(join(folder, below), { withFileTypes: true })
    .flatMap((entry) => {
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory()) return filesIn(folder, path)
      return /\.(test\.tsx?|md)$/.test(entry.name) ? [] : [path]
    })
    .sort()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const built = await buildPage()
  console.log(built ? 'the page of the console is bundled' : 'the page of the console is bundled already')
}

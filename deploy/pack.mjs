/**
 * Makes the packages of a release: `node deploy/pack.mjs <empty folder>`.
 *
 * `deed` is the command with all services, as one package; the libraries that programs alongside Deed may use are packages of
 * their own. Node runs TypeScript as it is, but refuses it below node_modules: so here the types are taken out, by Node
 * itself, and lines and columns stay what they are in the repository. The libraries have declarations beside their modules.
 * Needs the Node of this repository, and an install.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, posix, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** Packages of their own: contracts, and what a service or a provider of kinds in another repository is made of. */
const LIBRARIES = ['proto', 'libs/config', 'libs/telemetry', 'libs/json', 'libs/text', 'libs/process', 'libs/mesh']
/** In the package `deed` beside its sources. */
const DOCUMENTS = ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'LICENSE', 'docs', 'deploy/execution.example.yaml']
const PARTS = ['proto', 'libs', 'services', 'examples']
/** Neither runs in an installation. */
const LEFT_OUT = /(\.test\.ts|\.test-d\.ts|\/tsconfig\.json|^services\/console\/page\/.*|\/test-data\/.*|\/test\/.*)$/
/** Where npm has put the servers of this platform, and where the package has them. */
const SERVERS = 'node_modules/@eplightning'
const VENDOR = 'vendor'
const SPECIFIER = /(\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"\n]+)\2/g

const root = fileURLToPath(new URL('..', import.meta.url))
const [folder = ''] = process.argv.slice(2)
if (folder === '') throw new Error('name an empty folder: node deploy/pack.mjs /tmp/deed-packages')
const target = resolve(folder)
mkdirSync(target, { recursive: true })
if (readdirSync(target).length > 0) throw new Error(`${target} is not empty`)

const { buildPage } = await import(pathToFileURL(join(root, 'services/console/build.mjs')).href)
await buildPage()
// Said once for each file otherwise.
process.removeAllListeners('warning')

const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard', ...PARTS, ...DOCUMENTS], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((file) => !LEFT_OUT.test(file) && existsSync(join(root, file)))
const folders = new Map(
  tracked
    .filter((file) => /^(proto|libs\/[^/]+|services\/[^/]+)\/package\.json$/.test(file))
    .map((file) => [readJson(file).name, dirname(file)]),
)

const declarations = declarationsOf(LIBRARIES)
try {
  for (const packed of [packCommand(), ...LIBRARIES.map(packLibrary)]) console.log(packed)
} finally {
  rmSync(declarations, { recursive: true })
}

function packCommand() {
  const stage = join(target, 'deed')
  for (const file of tracked) {
    const examples = file.startsWith('examples/')
    if (file.endsWith('.ts') && !examples) compile(file, stage, (name) => besideOf(file, name))
    else copy(file, stage)
  }
  cpSync(join(root, 'services/console/dist'), join(stage, 'services/console/dist'), { recursive: true })
  packServer(stage)
  const own = readJson('package.json')
  const members = [...folders.values()].map((path) => readJson(`${path}/package.json`))
  write(join(stage, 'package.json'), {
    ...pick(own, ['name', 'version', 'description', 'license', 'type', 'engines', 'bin', 'repository']),
    files: [...PARTS, ...DOCUMENTS, VENDOR],
    dependencies: merged(members.map(({ dependencies }) => foreign(dependencies))),
    optionalDependencies: merged(
      [own, ...members].map(({ optionalDependencies }) => withoutServer(optionalDependencies)),
    ),
  })
  return pack(stage)
}

/** npm leaves out an optional package whose `engines` an old Node does not meet, though a native program does not care. */
function packServer(stage) {
  for (const name of readdirSync(join(root, SERVERS))) {
    const program = join(root, SERVERS, name, 'bin/nats-server')
    if (existsSync(program)) cpSync(program, join(stage, VENDOR, name), { recursive: true })
  }
}

function withoutServer(dependencies = {}) {
  return Object.fromEntries(Object.entries(dependencies).filter(([name]) => !name.startsWith('@eplightning/')))
}

function packLibrary(path) {
  const stage = join(target, path.replace('libs/', ''))
  for (const file of tracked.filter((one) => one.startsWith(`${path}/`))) {
    const place = relative(path, file)
    if (file.endsWith('.ts')) {
      compile(file, stage, (name) => name, place)
      const declared = file.replace(/\.ts$/, '.d.ts')
      const text = readFileSync(join(declarations, declared), 'utf8')
      put(
        join(stage, place.replace(/\.ts$/, '.d.ts')),
        renamedImports(text, (name) => name),
      )
    } else if (place !== 'package.json') copy(file, stage, place)
  }
  copy('LICENSE', stage)
  const { devDependencies: _, private: __, ...own } = readJson(`${path}/package.json`)
  write(join(stage, 'package.json'), {
    ...own,
    exports: { './*': './src/*.js' },
    files: ['src', 'LICENSE', 'README.md'],
  })
  return pack(stage)
}

/** @returns a folder with a declaration for each module of the packages, by its path from the root */
function declarationsOf(packages) {
  const made = mkdtempSync(join(tmpdir(), 'deed-declarations-'))
  const options = { noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: root, outDir: made }
  // Types of dependencies are found from where the project file lies.
  const project = join(root, 'node_modules/.deed-declarations.json')
  write(project, {
    extends: '../tsconfig.json',
    compilerOptions: { ...options, types: ['node'] },
    include: packages.map((path) => `../${path}/src`),
    exclude: ['../**/*.test.ts'],
  })
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { stdio: 'inherit' })
  return made
}

/** @param named what a package of this repository is called in the compiled file */
function compile(file, stage, named, place = file) {
  const text = stripTypeScriptTypes(readFileSync(join(root, file), 'utf8'))
  put(join(stage, place.replace(/\.ts$/, '.js')), renamedImports(text, named))
}

function renamedImports(text, named) {
  return text.replace(SPECIFIER, (whole, before, quote, name) => {
    const renamed = name.startsWith('@deed/') ? named(name) : name.startsWith('.') ? name.replace(/\.ts$/, '.js') : name
    return renamed === name ? whole : `${before}${quote}${renamed}${quote}`
  })
}

/** Within the one package, its parts are found by where they lie. */
function besideOf(file, name) {
  const [scope, part, ...rest] = name.split('/')
  const folder = folders.get(`${scope}/${part}`)
  if (folder === undefined) throw new Error(`${file} imports ${name}, which is no package of this repository`)
  const path = posix.relative(posix.dirname(file), `${folder}/src/${rest.join('/')}.js`)
  return path.startsWith('.') ? path : `./${path}`
}

/** The launcher names the program that it starts. */
function copy(file, stage, place = file) {
  const bytes = readFileSync(join(root, file))
  put(join(stage, place), file === 'libs/cli/bin/deed.mjs' ? String(bytes).replaceAll('main.ts', 'main.js') : bytes)
}

function pack(stage) {
  const [{ filename, entryCount, size }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', target], { cwd: stage, encoding: 'utf8' }),
  )
  return `${filename}: ${entryCount} files, ${(size / 1e6).toFixed(1)} MB`
}

function put(path, contents) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, contents)
}

function write(path, value) {
  put(path, `${JSON.stringify(value, null, 2)}\n`)
}

function readJson(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8'))
}

function pick(from, names) {
  return Object.fromEntries(names.flatMap((name) => (name in from ? [[name, from[name]]] : [])))
}

function foreign(dependencies = {}) {
  return Object.fromEntries(Object.entries(dependencies).filter(([name]) => !name.startsWith('@deed/')))
}

/** @throws where two parts want different versions of one package */
function merged(all) {
  const together = {}
  for (const [name, version] of all.flatMap(Object.entries)) {
    if ((together[name] ?? version) !== version)
      throw new Error(`${name} is wanted as ${together[name]} and ${version}`)
    together[name] = version
  }
  return Object.fromEntries(Object.entries(together).sort())
}

/**
 * The imports follow the architecture: services -> libs -> proto, every package is entered by its name, and a folder
 * imports only what the map in ARCHITECTURE.md says.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

interface Import {
  /** From the root: `libs/mesh/src/bus.ts`. */
  file: string
  /** As it is written: `nats`, `@deed/proto/ids`, `./decode.ts`. */
  specifier: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const FOLDERS = '{proto,examples,test,libs/*,services/*}'
const IMPORTS =
  /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm

const folderOf = new Map(
  filesOf(`${FOLDERS}/package.json`).map((file) => {
    const { name } = JSON.parse(readFileSync(join(root, file), 'utf8')) as { name: string }
    return [name, dirname(file)]
  }),
)
const packages = new Set(folderOf.values())
const SOURCES = filesOf(`${FOLDERS}/**/*.{ts,tsx,mts,mjs}`)
const imports = SOURCES.flatMap((file) =>
  [...readFileSync(join(root, file), 'utf8').matchAll(IMPORTS)].map(
    ([, ...found]): Import => ({ file, specifier: found.find((specifier) => specifier !== undefined) ?? '' }),
  ),
)

function filesOf(pattern: string): string[] {
  return globSync(pattern, { cwd: root, exclude: ['**/node_modules/**'] })
}

/** The folder of a package: `libs/mesh`. */
function packageOf(path: string): string {
  const [first = '', second = ''] = path.split('/')
  return first === 'libs' || first === 'services' ? `${first}/${second}` : first
}

/** The folder of the package that is imported, or the name of one that is not of this repository. */
function targetOf({ file, specifier }: Import): string {
  if (specifier.startsWith('.')) return packageOf(normalize(join(dirname(file), specifier)))
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  return folderOf.get(name) ?? name
}

/** Tests reach further than what they test: they start servers, and play the client outside. */
function isTest({ file }: Import): boolean {
  return packageOf(file) === 'test' || /\.test\.tsx?$/.test(file) || /^services\/[^/]+\/test\//.test(file)
}

/** The rule that an import breaks, if it breaks one. */
function broken(found: Import): string | undefined {
  const from = packageOf(found.file)
  const to = targetOf(found)
  // A server that is made to fail is in test/, for the tests of every package.
  if (to === 'test' && isTest(found)) return undefined
  if (found.specifier.startsWith('.')) return to === from ? undefined : 'a relative import stays in its package'
  if (from.startsWith('services/') && to.startsWith('services/')) return 'a service knows another by its messages alone'
  if (from === 'proto' && to !== 'zod' && !isTest(found)) return 'proto imports zod and nothing else'
  if (from.startsWith('libs/') && to.startsWith('services/')) return 'a lib imports libs and proto'
  if (to === 'test' && from !== 'test') return 'nothing imports the tests'
  if (to === 'examples') return 'nothing imports the examples'
  if (from === 'examples' && packages.has(to)) return 'an example is a program outside of the mesh'
  // The drill plays programs that are not of the mesh.
  const foreign = found.file.startsWith('libs/drill/src/truth/')
  if (to === 'nats' && !['libs/mesh', 'libs/local', 'examples'].includes(from) && !foreign && !isTest(found)) {
    return 'only libs/mesh and libs/local speak NATS themselves'
  }
  return undefined
}

/** A round trip, if there is one: `libs/a -> libs/b -> libs/a`. */
function cycleAmong(edges: Map<string, Set<string>>): string | undefined {
  const done = new Set<string>()
  const walk = (at: string, path: string[]): string | undefined => {
    if (path.includes(at)) return [...path.slice(path.indexOf(at)), at].join(' -> ')
    if (done.has(at)) return undefined
    for (const next of edges.get(at) ?? []) {
      const cycle = walk(next, [...path, at])
      if (cycle) return cycle
    }
    done.add(at)
    return undefined
  }
  for (const start of edges.keys()) {
    const cycle = walk(start, [])
    if (cycle) return cycle
  }
  return undefined
}

function edgesOf(found: Import[]): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>()
  for (const one of found) {
    const from = packageOf(one.file)
    const to = targetOf(one)
    if (from !== to && !isTest(one)) edges.set(from, (edges.get(from) ?? new Set()).add(to))
  }
  return edges
}

/** From file to file, within a package. */
function fileEdgesOf(found: Import[]): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>()
  for (const one of found) {
    if (isTest(one) || !one.specifier.startsWith('.')) continue
    const to = normalize(join(dirname(one.file), one.specifier))
    edges.set(one.file, (edges.get(one.file) ?? new Set()).add(to))
  }
  return edges
}

interface FolderImport {
  from: string
  to: string
  file: string
  target: string
}

/** The folder of `src` that a file is in, with all below it: `services/executor/files`. The files of `src` itself: the package. */
function folderIn(path: string): string {
  const inside = path.slice(packageOf(path).length).match(/^\/src\/([^/]+)\//)
  return inside ? `${packageOf(path)}/${inside[1]}` : packageOf(path)
}

/** From folder to folder within a package, types included; and from package to package. */
function folderImportsOf(found: Import[]): FolderImport[] {
  return found.flatMap((one) => {
    if (isTest(one) || targetOf(one) === 'test') return []
    const inside = one.specifier.startsWith('.')
    const target = inside ? normalize(join(dirname(one.file), one.specifier)) : one.specifier
    const from = inside ? folderIn(one.file) : packageOf(one.file)
    const to = inside ? folderIn(target) : targetOf(one)
    return from === to || (!inside && !packages.has(to)) ? [] : [{ from, to, file: one.file, target }]
  })
}

/** Each pair of folders that import each other, with the files that do. */
function mutualAmong(found: FolderImport[]): string[] {
  const between = (from: string, to: string): FolderImport[] =>
    found.filter((one) => one.from === from && one.to === to)
  const pairs = new Set(found.map(({ from, to }) => [from, to].toSorted().join(' ')))
  return [...pairs].flatMap((pair) => {
    const [one = '', other = ''] = pair.split(' ')
    const [there, back] = [between(one, other), between(other, one)]
    if (there.length === 0 || back.length === 0) return []
    const files = [...there, ...back].map(({ file, target }) => `${file} imports ${target}`)
    return [`${one} and ${other} import each other: ${files.join(', ')}`]
  })
}

/** The table of ARCHITECTURE.md whose head is `| folder | may import |`: for each folder, what it may import. */
function mapIn(markdown: string): Map<string, ReadonlySet<string>> {
  const [, after = ''] = markdown.split(/^\| folder +\| may import +\|$/m)
  const [table = ''] = after.trimStart().split('\n\n')
  return new Map(
    [...table.matchAll(/^\| `([^`]+)` +\|([^|]*)\|$/gm)].map(([, folder = '', cell = '']) => {
      const own = packageOf(folder)
      const names = [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
      return [folder, new Set(names.map((name) => (folder === own ? name : `${own}/${name}`)))]
    }),
  )
}

/** What the map forbids, and what it allows though nothing does it. The files of `src` itself may import every folder. */
function againstMap(map: Map<string, ReadonlySet<string>>, found: FolderImport[]): string[] {
  const counted = found.filter(({ from, to }) => !(packages.has(from) && to.startsWith(`${from}/`)))
  const forbidden = counted.flatMap(({ from, to, file, target }) =>
    map.get(from)?.has(to) ? [] : [`${file} imports ${target}: the map does not let ${from} import ${to}`],
  )
  const unused = [...map].flatMap(([from, names]) =>
    [...names]
      .filter((to) => !counted.some((one) => one.from === from && one.to === to))
      .map((to) => `the map lets ${from} import ${to}, and no file does: remove it`),
  )
  return [...forbidden, ...unused]
}

describe('the imports of the source', () => {
  it('were found, in every package that has source files', () => {
    const read = new Set(imports.map(({ file }) => packageOf(file)))
    expect([...read]).toEqual(expect.arrayContaining(['proto', 'libs/mesh', 'libs/local', 'test']))
    expect(imports.length).toBeGreaterThan(100)
  })

  it('point one way: services -> libs -> proto', () => {
    const violations = imports.flatMap((found) => {
      const rule = broken(found)
      return rule ? [`${found.file} imports ${found.specifier}: ${rule}`] : []
    })
    expect(violations).toEqual([])
  })

  it('lead from no package back to itself', () => {
    expect(cycleAmong(edgesOf(imports))).toBeUndefined()
  })

  it('lead from no file back to itself, types included', () => {
    expect(cycleAmong(fileEdgesOf(imports))).toBeUndefined()
  })
})

describe('the folders of a package', () => {
  const found = folderImportsOf(imports)
  const map = mapIn(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'))

  it('do not import each other, types included', () => {
    expect(mutualAmong(found)).toEqual([])
  })

  it('lead from none back to itself', () => {
    const edges = new Map<string, Set<string>>()
    for (const { from, to } of found) edges.set(from, (edges.get(from) ?? new Set()).add(to))
    expect(cycleAmong(edges)).toBeUndefined()
  })

  it('import what the map in ARCHITECTURE.md says, and no more', () => {
    expect(map.size).toBeGreaterThan(50)
    expect(againstMap(map, found)).toEqual([])
  })

  it('are all on the map', () => {
    const sources = SOURCES.filter((file) => !isTest({ file, specifier: '' }))
    const folders = new Set(sources.flatMap((file) => [packageOf(file), folderIn(file)]))
    expect([...folders].filter((folder) => folder !== 'examples' && !map.has(folder))).toEqual([])
    expect([...map.keys()].filter((folder) => !folders.has(folder))).toEqual([])
  })
})

describe('the rules themselves', () => {
  it.each([
    ['services/executor/src/a.ts', '@deed/orchestrator/service'],
    ['services/executor/src/a.ts', '../../orchestrator/src/service.ts'],
    ['services/executor/src/a.ts', 'nats'],
    ['services/executor/src/a.ts', '@deed/test/anything'],
    ['libs/store/src/a.ts', '@deed/executor/service'],
    ['libs/store/src/a.ts', '../../mesh/src/bus.ts'],
    ['libs/store/src/a.ts', 'nats'],
    ['proto/src/a.ts', '@deed/mesh/bus'],
    ['proto/src/a.ts', 'node:fs'],
    ['test/src/a.ts', '@deed/examples/kind/main'],
    ['examples/kind/a.ts', '@deed/proto/ids'],
  ])('refuse that %s imports %s', (file, specifier) => {
    expect(broken({ file, specifier })).toBeDefined()
  })

  it.each([
    ['services/executor/src/a.ts', '@deed/mesh/bus'],
    ['services/executor/src/a.ts', '@deed/proto/ids'],
    ['services/executor/src/store/b.ts', '../a.ts'],
    ['libs/mesh/src/a.ts', 'nats'],
    ['proto/src/a.ts', 'zod'],
  ])('allow that %s imports %s', (file, specifier) => {
    expect(broken({ file, specifier })).toBeUndefined()
  })

  it('name two folders that import each other, with the files, though one imports only a type', () => {
    const both = folderImportsOf([
      { file: 'services/executor/src/files/a.ts', specifier: '../kind/kind.ts' },
      { file: 'services/executor/src/kind/b.ts', specifier: '../files/deep/c.ts' },
      { file: 'services/executor/src/kind/b.test.ts', specifier: '../git/d.ts' },
      { file: 'services/executor/src/git/d.ts', specifier: '../kind/kind.ts' },
    ])
    expect(mutualAmong(both)).toEqual([
      'services/executor/files and services/executor/kind import each other: ' +
        'services/executor/src/files/a.ts imports services/executor/src/kind/kind.ts, ' +
        'services/executor/src/kind/b.ts imports services/executor/src/files/deep/c.ts',
    ])
  })

  it('refuse what is not on the map, and what is there for nothing', () => {
    const map = mapIn(
      [
        '| folder | may import |',
        '| --- | --- |',
        '| `libs/mesh` | `proto` `libs/json` |',
        '| `services/executor/git` | `kind` |',
        '',
        '| `services/executor/sql` | `kind` |',
      ].join('\n'),
    )
    expect([...map.keys()]).toEqual(['libs/mesh', 'services/executor/git'])
    const found = folderImportsOf([
      { file: 'libs/mesh/src/a.ts', specifier: '@deed/proto/ids' },
      { file: 'services/executor/src/git/a.ts', specifier: '../kind/kind.ts' },
      { file: 'services/executor/src/git/a.ts', specifier: '../files/folder.ts' },
      { file: 'services/executor/src/service.ts', specifier: './git/a.ts' },
    ])
    expect(againstMap(map, found)).toEqual([
      'services/executor/src/git/a.ts imports services/executor/src/files/folder.ts: ' +
        'the map does not let services/executor/git import services/executor/files',
      'the map lets libs/mesh import libs/json, and no file does: remove it',
    ])
  })

  it('see a cycle of three packages', () => {
    const around = [
      { file: 'libs/mesh/src/a.ts', specifier: '@deed/store/database' },
      { file: 'libs/store/src/a.ts', specifier: '@deed/telemetry/logger' },
      { file: 'libs/telemetry/src/a.ts', specifier: '@deed/mesh/bus' },
    ]
    expect(cycleAmong(edgesOf(around))).toBe('libs/mesh -> libs/store -> libs/telemetry -> libs/mesh')
    expect(cycleAmong(edgesOf(around.slice(1)))).toBeUndefined()
  })
})

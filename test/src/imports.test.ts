// The architecture stands in the imports: services -> libs -> proto, and every package is entered by its name.
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
const folders = new Set(folderOf.values())
const imports = filesOf(`${FOLDERS}/**/*.{ts,tsx,mts,mjs}`).flatMap((file) =>
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
  return packageOf(file) === 'test' || /\.test\.tsx?$/.test(file)
}

/** The rule that an import breaks, if it breaks one. */
function broken(found: Import): string | undefined {
  const from = packageOf(found.file)
  const to = targetOf(found)
  // A server that is made to fail stands in test/, for the tests of every package.
  if (to === 'test' && isTest(found)) return undefined
  if (found.specifier.startsWith('.')) return to === from ? undefined : 'a relative import stays in its package'
  if (from.startsWith('services/') && to.startsWith('services/')) return 'a service knows another by its messages alone'
  if (from === 'proto' && to !== 'zod' && !isTest(found)) return 'proto imports zod and nothing else'
  if (from.startsWith('libs/') && to.startsWith('services/')) return 'a lib imports libs and proto'
  if (to === 'test' && from !== 'test') return 'nothing imports the tests'
  if (to === 'examples') return 'nothing imports the examples'
  if (from === 'examples' && folders.has(to)) return 'an example is a program outside of the mesh'
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

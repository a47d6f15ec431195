/** What the imports of files mean: another file or folder of the same root, or a package from elsewhere. */
import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import type { SourceFile } from './source-index.ts'

export type Imported = { inside: string } | { package: string }

/** @returns of an import of a file; `undefined` where it means the language itself, or nothing that is known */
export type Resolve = (file: SourceFile, imported: string) => Imported | undefined

type Rule = (imported: string, file: SourceFile, world: World) => Imported | undefined

interface World {
  has(path: string): boolean
  /** Folders by the name under which they are imported. */
  readonly provided: ReadonlyMap<string, string>
  /** Files of languages that import by a name that files declare. */
  readonly named: ReadonlyMap<string, string>
}

export function resolverOf(files: ReadonlyMap<string, SourceFile>): Resolve {
  const provided = new Map<string, string>()
  const named = new Map<string, string>()
  for (const { path, provides, language, facts } of files.values()) {
    if (provides) provided.set(provides, posix.dirname(path))
    if (language === 'Java')
      named.set(
        path
          .replace(/^(?:.*\/)?(?:java|src)\//, '')
          .slice(0, -5)
          .replaceAll('/', '.'),
        path,
      )
    if (language === 'Elixir') for (const { kind, name } of facts.symbols) if (kind === 'module') named.set(name, path)
  }
  const world = { has: (path: string) => files.has(path), provided, named }
  return (file, imported) => RULES[file.language]?.(imported, file, world)
}

const ENDINGS = ['', '.ts', '.tsx', '.js', '.mjs', '.cjs', '.jsx', '/index.ts', '/index.tsx', '/index.js']

const javascript: Rule = (imported, { path }, { has, provided }) => {
  if (imported.startsWith('.')) {
    const at = posix.join(posix.dirname(path), imported)
    const found = [at, at.replace(/\.([cm]?)jsx?$/, '')]
      .flatMap((base) => ENDINGS.map((ending) => base + ending))
      .find(has)
    return found === undefined ? undefined : { inside: found }
  }
  if (isBuiltin(imported) || imported.startsWith('/')) return undefined
  const name = imported.split('/', imported.startsWith('@') ? 2 : 1).join('/')
  const folder = provided.get(name)
  return folder === undefined ? { package: name } : { inside: folder }
}

const python: Rule = (imported, { path }, { has }) => {
  const dots = /^\.*/.exec(imported)![0].length
  const names = imported.slice(dots).split('.').filter(Boolean)
  let folder = posix.dirname(path)
  for (let up = 1; up < dots; up++) folder = posix.dirname(folder)
  const roots = dots > 0 ? [folder] : ['.', 'src', folder]
  for (let count = names.length; count > 0; count--) {
    for (const root of roots) {
      const at = posix.join(root, ...names.slice(0, count))
      const found = [`${at}.py`, `${at}/__init__.py`].find(has)
      if (found !== undefined) return { inside: found }
    }
  }
  if (dots > 0) return { inside: folder }
  return names[0] === undefined || PYTHON_OWN.has(names[0]) ? undefined : { package: names[0] }
}

/** The most used modules that come with it. */
const PYTHON_OWN = new Set(
  `__future__ abc argparse array ast asyncio base64 bisect calendar collections concurrent configparser contextlib copy csv
  ctypes dataclasses datetime decimal difflib email enum errno fnmatch fractions functools gc getpass glob gzip hashlib heapq
  hmac html http importlib inspect io ipaddress itertools json locale logging lzma math mimetypes multiprocessing numbers
  operator os pathlib pickle pkgutil platform pprint queue random re sched secrets select shlex shutil signal socket sqlite3
  ssl stat statistics string struct subprocess sys tarfile tempfile textwrap threading time timeit tokenize traceback types
  typing unicodedata unittest urllib uuid warnings weakref xml zipfile zlib zoneinfo`.split(/\s+/),
)

const go: Rule = (imported, _, { provided }) => {
  for (const [name, folder] of provided)
    if (imported === name || imported.startsWith(`${name}/`))
      return { inside: posix.join(folder, imported.slice(name.length)) }
  // What has no domain comes with the language.
  return imported.split('/')[0]!.includes('.') ? { package: imported.split('/').slice(0, 3).join('/') } : undefined
}

const rust: Rule = (imported, { path }, { provided }) => {
  const [first = ''] = imported.split(/::|[\s{]/)
  if (['crate', 'self', 'super'].includes(first) || !imported.includes('::')) return { inside: path }
  if (['std', 'core', 'alloc'].includes(first)) return undefined
  const folder = provided.get(first)
  return folder === undefined ? { package: first } : { inside: folder }
}

const byName: Rule = (imported, _, { named }) => {
  const found = named.get(imported)
  return found === undefined ? undefined : { inside: found }
}

const java: Rule = (imported, file, world) => {
  const inside = byName(imported, file, world)
  if (inside || /^javax?\./.test(imported)) return inside
  return { package: imported.split('.').slice(0, 2).join('.') }
}

const ruby: Rule = (imported, { path }, { has }) => {
  const near = posix.join(posix.dirname(path), imported)
  const found = [near, posix.join('lib', imported)].map((at) => (at.endsWith('.rb') ? at : `${at}.rb`)).find(has)
  return found === undefined ? undefined : { inside: found }
}

const RULES: Readonly<Record<string, Rule>> = {
  TypeScript: javascript,
  JavaScript: javascript,
  Python: python,
  Go: go,
  Rust: rust,
  Java: java,
  Ruby: ruby,
  Elixir: byName,
}

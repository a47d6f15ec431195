/** Which language a file is written in, by its name; which of them have a grammar; and which files are tests. */
import { basename, extname } from 'node:path'

export interface LanguageOf {
  readonly language: string
  /** Of `grammars.ts`; absent: lines and words are all that is known of such a file. */
  readonly grammar?: GrammarName
}

export const GRAMMARS = [
  ...(['bash', 'elixir', 'go', 'java', 'javascript', 'python', 'ruby', 'rust', 'tsx', 'typescript'] as const),
] as const
export type GrammarName = (typeof GRAMMARS)[number]

/** The endings of each language. Those of a grammar have its name, but for the dialects. */
const ENDINGS: Readonly<Record<string, string>> = {
  TypeScript: 'ts mts cts tsx',
  JavaScript: 'js mjs cjs jsx',
  Python: 'py pyi',
  Go: 'go',
  Rust: 'rs',
  Java: 'java',
  Ruby: 'rb rake',
  Elixir: 'ex exs',
  Bash: 'sh bash',
  C: 'c h',
  'C++': 'cc cpp cxx hh hpp hxx',
  'C#': 'cs',
  PHP: 'php',
  Kotlin: 'kt kts',
  Swift: 'swift',
  Scala: 'scala',
  Erlang: 'erl hrl',
  Lua: 'lua',
  Perl: 'pl pm',
  R: 'r',
  SQL: 'sql',
  HTML: 'html htm',
  CSS: 'css scss less',
  Vue: 'vue',
  Svelte: 'svelte',
  JSON: 'json jsonc',
  YAML: 'yaml yml',
  TOML: 'toml',
  XML: 'xml',
  Markdown: 'md mdx',
  Text: 'txt rst adoc',
  Protobuf: 'proto',
  GraphQL: 'graphql gql',
  Terraform: 'tf',
}
const BY_ENDING = new Map(
  Object.entries(ENDINGS).flatMap(([language, endings]) => endings.split(' ').map((ending) => [ending, language])),
)
const BY_NAME: Readonly<Record<string, string>> = { Dockerfile: 'Dockerfile', Makefile: 'Makefile', Gemfile: 'Ruby' }

/** @param path of a file that is text @returns `Other` for endings that are unknown */
export function languageOf(path: string): LanguageOf {
  const ending = extname(path).slice(1).toLowerCase()
  const language = BY_NAME[basename(path)] ?? BY_ENDING.get(ending) ?? 'Other'
  const named = ending === 'tsx' ? 'tsx' : language.toLowerCase()
  const grammar = GRAMMARS.find((one) => one === named)
  return grammar === undefined ? { language } : { language, grammar }
}

/** By the customs of the languages above. */
const TEST = /(?:^|\/)(?:tests?|__tests__|spec)\/|[._-](?:test|spec)s?\.\w+$|(?:^|\/)test_[^/]*\.py$/i

export const isTest = (path: string): boolean => TEST.test(path)

/** Folders that tools make. They are analysed only where they are named. */
const MADE = new Set([
  ...['node_modules', 'dist', 'build', 'out', 'target', '_build', 'deps', 'vendor', 'coverage'],
  ...['.venv', 'venv', '__pycache__', '.next', '.turbo', '.cache', '.tox', '.mypy_cache', '.pytest_cache'],
])

export const isMade = (folder: string): boolean => MADE.has(folder)

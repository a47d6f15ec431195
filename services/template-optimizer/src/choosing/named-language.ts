/** Finds the language that a task names by its name, a library or a file, if its request names none. */
import type { Language } from '@deed/proto/template'

const CHARS_READ_MAX = 2_000

const NAMES: Readonly<Record<string, Language>> = {
  ...{ elixir: 'elixir', genserver: 'elixir', ecto: 'elixir', exunit: 'elixir', phoenix: 'elixir', liveview: 'elixir' },
  ...{ ex: 'elixir', exs: 'elixir' },
  ...{ typescript: 'typescript', ts: 'typescript', mts: 'typescript', tsx: 'typescript', vitest: 'typescript' },
  ...{ javascript: 'javascript', js: 'javascript', mjs: 'javascript', jsx: 'javascript' },
  ...{ python: 'python', py: 'python', pytest: 'python', fastapi: 'python', django: 'python', pandas: 'python' },
  ...{
    rust: 'rust',
    rs: 'rust',
    golang: 'go',
    go: 'go',
    sql: 'sql',
    yaml: 'yaml',
    yml: 'yaml',
    bash: 'bash',
    sh: 'bash',
    dockerfile: 'dockerfile',
  },
}

/** "Go" is also a verb, so it needs a word before it or brackets around it. */
const NAMED =
  /\b(dockerfile|elixir|genserver|ecto|exunit|phoenix|liveview|typescript|vitest|javascript|python|pytest|fastapi|django|pandas|rust|golang|yaml|bash)\b|\b(?:in|using|a|an|write|some) (go)\b(?!-)|\((go|sql|ts|js|py)\)|[\w/-]\.(exs?|m?ts|tsx|m?js|jsx|py|rs|go|sql|ya?ml|sh)\b/i

/** The first of several; undefined if none is named. */
export function namedLanguage(task: string): Language | undefined {
  const found = NAMED.exec(task.slice(0, CHARS_READ_MAX))
  const name = found?.slice(1).find((group) => group !== undefined)
  return name === undefined ? undefined : NAMES[name.toLowerCase()]
}

/** What a mesh is started with: which file, which folders and targets it names, where its data lie. */
import type { ExecutionConfig } from '@deed/config/execution-config'
import { plainLine } from '../terminal/plain-text.ts'

interface Started {
  /** Path of execution.yaml. */
  file: string | undefined
  config: ExecutionConfig
  dataDir: string
}

export function meshText({ file, config, dataDir, env }: Started & { env: NodeJS.ProcessEnv }): string {
  const { workspaces, targets, default_workspace: first } = config
  const named = Object.entries(workspaces).map(
    ([name, { root }]) => `${name} = ${root}${name === first ? ' (default)' : ''}`,
  )
  const kinds = Object.entries(targets).map(([name, { type }]) => `${name} (${type})`)
  const facts = [
    ['configuration', file ?? 'none: no execution.yaml here or above; `deed init` writes one'],
    ['workspaces', named.join(', ') || 'none: no file is read or written'],
    ['targets', kinds.join(', ') || 'none'],
    ['servers', [server('NATS', 'NATS_URL', env), server('PostgreSQL', 'DATABASE_URL', env)].join(', ')],
    ['data', dataDir],
  ]
  return facts.map(([name = '', fact = '']) => `${name.padEnd(13)}  ${plainLine(fact)}`).join('\n')
}

/** Without the user and the password that the URL may hold. */
const server = (what: string, variable: string, env: NodeJS.ProcessEnv): string =>
  env[variable] ? `${what} at ${URL.parse(env[variable])?.host || variable} (${variable})` : `${what} of its own`

/** The same for programs. */
export const meshFacts = ({ file, config, dataDir }: Started) => ({
  config: file ?? null,
  workspaces: Object.fromEntries(Object.entries(config.workspaces).map(([name, { root }]) => [name, root])),
  targets: Object.keys(config.targets),
  data_dir: dataDir,
})

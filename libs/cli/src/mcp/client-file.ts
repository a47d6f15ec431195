/** The configuration of programs that start servers over MCP: where it is, and what Deed adds to it. */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { UsageError } from '../terminal/exit-code.ts'

export const CLIENTS = ['claude-desktop', 'claude-code', 'cursor', 'vscode'] as const
export type ClientName = (typeof CLIENTS)[number]

export interface Entry {
  readonly command: string
  readonly args: readonly string[]
}

export interface ClientFile {
  readonly path: string
  /** The key of the server: clients put it before the names of the tools. */
  readonly server: string
  /** Under which the servers are. */
  readonly key: 'mcpServers' | 'servers'
  readonly entry: object
}

interface Where {
  platform: NodeJS.Platform
  env: NodeJS.ProcessEnv
  /** The folder of the project. */
  project: string
  /** The role of the organization that is served; absent: Deed itself. */
  role?: string | undefined
}

export function clientFile(client: ClientName, entry: Entry, where: Where): ClientFile {
  const { platform, env, project, role: server = 'deed' } = where
  const home = (platform === 'win32' ? env.USERPROFILE : env.HOME) ?? ''
  const typed = { type: 'stdio', ...entry }
  switch (client) {
    case 'claude-desktop':
      return {
        path: join(desktopFolder(platform, env, home), 'claude_desktop_config.json'),
        key: 'mcpServers',
        server,
        entry,
      }
    case 'claude-code':
      return { path: join(project, '.mcp.json'), key: 'mcpServers', server, entry: typed }
    case 'cursor':
      return { path: join(project, '.cursor', 'mcp.json'), key: 'mcpServers', server, entry }
    case 'vscode':
      return { path: join(project, '.vscode', 'mcp.json'), key: 'servers', server, entry: typed }
  }
}

function desktopFolder(platform: NodeJS.Platform, env: NodeJS.ProcessEnv, home: string): string {
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Claude')
  if (platform === 'win32') return join(env.APPDATA ?? join(home, 'AppData', 'Roaming'), 'Claude')
  return join(env.XDG_CONFIG_HOME ?? join(home, '.config'), 'Claude')
}

const Configuration = z.record(z.string(), z.unknown())

export interface Merged {
  /** The whole file, with Deed in it. */
  readonly text: string
  /** What is there under Deed's key, where it is another entry. */
  readonly before: unknown
  readonly changes: boolean
}

/** What is there stays, but for Deed's own entry. @throws {UsageError} for a file that is no plain JSON */
export function mergeInto({ path, key, server, entry }: ClientFile): Merged {
  const all = existsSync(path) ? read(path) : {}
  const servers = Configuration.safeParse(all[key] ?? {}).data
  if (servers === undefined) throw new UsageError(`${path} has ${key}, which is no object; add the entry by hand`)
  const before = servers[server]
  const same = isDeepStrictEqual(before, entry)
  const text = snippet({ key, server, entry }, all, servers)
  return { text, before: same ? undefined : before, changes: !same }
}

/** What Deed adds, as a file of its own would have it. */
export const snippet = (
  { key, server, entry }: Pick<ClientFile, 'key' | 'server' | 'entry'>,
  all: Record<string, unknown> = {},
  servers: Record<string, unknown> = {},
): string => `${JSON.stringify({ ...all, [key]: { ...servers, [server]: entry } }, null, 2)}\n`

/** In one step, with the access that the file had. */
export function writeClientFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0o600
  writeFileSync(`${path}.new`, text, { mode })
  renameSync(`${path}.new`, path)
}

function read(path: string): Record<string, unknown> {
  try {
    return Configuration.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    throw new UsageError(`${path} cannot be read as JSON, perhaps for its comments; add the printed entry by hand`)
  }
}

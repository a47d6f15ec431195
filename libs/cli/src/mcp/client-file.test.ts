// The configuration of a client: what is there stays, and nothing of it is replaced unseen.

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { startDeed } from '@deed/drill/harness/deed-process'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { describe, expect, it } from 'vitest'
import { CLIENTS, clientFile, mergeInto, snippet, writeClientFile } from './client-file.ts'

const ENTRY = { command: '/usr/bin/node', args: ['/deed.mjs', 'mcp'] }
const at = (project: string, platform: NodeJS.Platform = 'linux') => ({ platform, env: { HOME: project }, project })

describe('the file of a client', () => {
  it.each([
    ['claude-desktop', 'linux', '.config/Claude/claude_desktop_config.json', 'mcpServers'],
    ['claude-desktop', 'darwin', 'Library/Application Support/Claude/claude_desktop_config.json', 'mcpServers'],
    ['claude-code', 'linux', '.mcp.json', 'mcpServers'],
    ['cursor', 'linux', '.cursor/mcp.json', 'mcpServers'],
    ['vscode', 'linux', '.vscode/mcp.json', 'servers'],
  ] as const)('of %s on %s is %s, with the servers under %s', (client, platform, path, key) => {
    expect(clientFile(client, ENTRY, at('/home/ann', platform))).toMatchObject({ path: join('/home/ann', path), key })
  })

  it.each(CLIENTS)('of %s keeps what is there, and its mode', (client) => {
    using folder = temporaryFolder()
    const file = clientFile(client, ENTRY, at(folder.path))
    mkdirSync(dirname(file.path), { recursive: true })
    const others = { other: { command: 'x' } }
    const before = { theme: 'dark', [file.key]: others }
    writeFileSync(file.path, JSON.stringify(before), { mode: 0o640 })
    writeClientFile(file.path, mergeInto(file).text)
    expect(JSON.parse(readFileSync(file.path, 'utf8'))).toEqual({
      ...before,
      [file.key]: { ...others, deed: file.entry },
    })
    expect(statSync(file.path).mode & 0o777).toBe(0o640)
    expect(mergeInto(file)).toMatchObject({ changes: false, before: undefined })
  })

  it.each(['{ // a comment\n}', '[]', '{"mcpServers": 7}'])('that holds %s is not touched', (text) => {
    using folder = temporaryFolder()
    const file = clientFile('claude-code', ENTRY, at(folder.path))
    writeFileSync(file.path, text)
    expect(() => mergeInto(file)).toThrow('by hand')
  })
})

it.each(CLIENTS)('examples/mcp has what %s gets', (client) => {
  const example = readFileSync(join(import.meta.dirname, '../../../../examples/mcp', `${client}.json`), 'utf8')
  const [servers = {}] = Object.values(
    JSON.parse(example) as Record<string, Record<string, { command: string; args: string[] }>>,
  )
  const { command = '', args = [] } = servers.deed ?? {}
  expect(args[0]).toBe('--max-semi-space-size=1')
  expect(args.slice(2)).toEqual(['mcp', '--data-dir', '/home/ann/project/.deed'])
  expect(JSON.parse(snippet(clientFile(client, { command, args }, at('/home/ann/project'))))).toEqual(
    JSON.parse(example),
  )
})

describe('deed mcp install', () => {
  const install = async (folder: string, ...args: string[]) => {
    using deed = startDeed(join(folder, 'data'), ['mcp', 'install', '--client', 'cursor', ...args], { cwd: folder })
    return await deed.ended
  }

  it('prints by default, writes when asked, and replaces another entry only when told to, after showing it', async () => {
    using folder = temporaryFolder()
    writeFileSync(join(folder.path, 'execution.yaml'), '')
    const path = join(folder.path, '.cursor/mcp.json')
    const printed = await install(folder.path)
    expect(printed.code).toBe(0)
    const { mcpServers } = JSON.parse(printed.stdout)
    expect(mcpServers.deed.args).toEqual([
      '--max-semi-space-size=1',
      expect.stringContaining('deed.mjs'),
      'mcp',
      '--data-dir',
      join(folder.path, 'data'),
    ])
    expect(existsSync(path)).toBe(false)

    expect((await install(folder.path, '--write')).code).toBe(0)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ mcpServers })

    const forRole = JSON.parse((await install(folder.path, '--role', 'ceo')).stdout).mcpServers
    expect(forRole.ceo.args).toContain('ceo')
    expect(forRole.deed).toBeUndefined()

    const own = '{"mcpServers":{"deed":{"command":"my-own"}}}'
    writeFileSync(path, own)
    const refused = await install(folder.path, '--write')
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('my-own')
    expect(readFileSync(path, 'utf8')).toBe(own)
    expect((await install(folder.path, '--write', '--replace')).code).toBe(0)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ mcpServers })
  })
})

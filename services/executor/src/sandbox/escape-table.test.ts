// One table of attempts to get out, tried under each layer that this host has, and judged from outside.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ActionId } from '@deed/proto/ids'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ATTEMPTS, type Attempt, HOST_SECRET, makeOutside, type Scene, stateOf } from '../../test/escape-attempts.ts'
import { findProgram } from '../processes/find-program.ts'
import { chooseSandbox } from './choose-sandbox.ts'
import { runCommand } from './run-command.ts'
import type { Sandbox } from './sandbox.ts'

const COMMAND_MS_MAX = 120_000
const folder = mkdtempSync(join(tmpdir(), 'deed-escapes-'))
const dataFolder = join(folder, 'data')
mkdirSync(dataFolder)
const perl = findProgram('perl')

const confine = join(folder, 'deed-confine')
const source = new URL('../../native/deed-confine.c', import.meta.url).pathname
spawnSync('cc', ['-O2', '-static', '-o', confine, source])

const LAYERS = ['bwrap', 'unshare', 'landlock'] as const
const layers = await Promise.all(
  LAYERS.map(async (mode): Promise<{ title: string; sandbox: Sandbox | undefined }> => {
    try {
      const { sandbox } = await chooseSandbox({ mode, confine, dataFolder: join(dataFolder, mode), protectedFiles: [] })
      return { title: sandbox.name, sandbox }
    } catch (error) {
      return { title: `${mode} (SKIPPED: ${(error as Error).message})`, sandbox: undefined }
    }
  }),
)

let connections = 0
const servers = [
  createServer(() => connections++),
  createServer(() => connections++),
  createServer(() => connections++),
]
const abstract = `deed-escape-${process.pid}`
const victim = spawn('sleep', ['3600'], { env: { DEED_TEST_CANARY: HOST_SECRET } })
let scene: Omit<Scene, 'workspace'>

beforeAll(async () => {
  const [tcp, hidden, named] = servers
  tcp!.listen(0, '127.0.0.1')
  hidden!.listen(`\0${abstract}`)
  named!.listen(join(folder, 'socket'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const { port } = tcp!.address() as { port: number }
  scene = { outside: makeOutside(folder), port, abstract, victim: victim.pid! }
})
afterAll(() => {
  victim.kill('SIGKILL')
  for (const server of servers) server.close()
  rmSync(folder, { recursive: true })
})

it('has forty attempts and more', () => expect(ATTEMPTS.length).toBeGreaterThanOrEqual(40))

describe.each(layers)('in $title a command', ({ sandbox }) => {
  it.skipIf(!sandbox).for(
    ATTEMPTS.map((attempt) => {
      const reason = notTried(attempt, sandbox)
      return { attempt, reason, title: `${attempt.name}${reason === undefined ? '' : ` (SKIPPED: ${reason})`}` }
    }),
  )('does not $title', { timeout: COMMAND_MS_MAX }, async ({ attempt, reason }, { skip }) => {
    if (reason !== undefined) skip()
    const workspace = mkdtempSync(join(folder, 'workspace-'))
    mkdirSync(join(workspace, 'in'))
    const here = { ...scene, workspace }
    using prepared = new DisposableStack()
    const end = await attempt.prepare?.(here)
    if (end) prepared.defer(end)
    const before = stateOf(here)
    // Nothing of this is ever run by a host that does not confine it.
    if (!sandbox?.confines) throw new Error('this is no sandbox')
    const { stdout, stderr } = await runCommand(sandbox, {
      actionId: '0190a5c0-0000-7000-8000-000000000004' as ActionId,
      argv: [findProgram('sh')!, '-c', attempt.script(here)],
      workspace,
      cwd: join(workspace, 'in'),
      env: {},
      timeoutMs: COMMAND_MS_MAX,
      signal: AbortSignal.timeout(COMMAND_MS_MAX),
    })
    const output = `${stdout}${stderr}`
    expect(attempt.escaped?.(here, String(stdout)), output).toBeUndefined()
    expect(String(stdout)).not.toContain(HOST_SECRET)
    expect(stateOf(here)).toBe(before)
    expect(connections).toBe(0)
  })
})

function notTried({ needs, landlockLets }: Attempt, sandbox: Sandbox | undefined): string | undefined {
  if (needs === 'perl' && perl === undefined) return 'there is no perl to try it with'
  if (landlockLets && sandbox?.name.startsWith('landlock') && (landlockLets === 'always' || process.getuid?.() !== 0))
    return landlockLets === 'always' ? 'Landlock lets everybody do it' : 'Landlock lets an ordinary user do it'
  return undefined
}

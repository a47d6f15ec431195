/**
 * What it costs to confine a command: how long `true` takes, started plainly, and run as actions are under each sandbox
 * that holds on this host.
 *
 *     node services/executor/src/sandbox/measure-commands.ts <seconds>
 *
 * Prints one line of JSON: the milliseconds of each run by the sandbox's name, and why there is no stronger one. Each
 * sandbox has its turn after the other, so that whatever else the host is busy with is in the way of all alike.
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ActionId } from '@deed/proto/ids'
import { chooseSandbox } from './choose-sandbox.ts'
import { runCommand } from './run-command.ts'
import type { Sandbox } from './sandbox.ts'

const WARM_UPS = 3
const COMMAND_MS_MAX = 30_000
const TRUE = '/bin/true'
const ENV = { PATH: '/usr/bin:/bin' }

const seconds = Number(process.argv[2])
if (!(seconds > 0)) throw new Error('usage: measure-commands.ts <seconds>')
const folder = mkdtempSync(join(tmpdir(), 'deed-measure-'))
try {
  process.stdout.write(`${JSON.stringify(await measure(folder))}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function measure(top: string): Promise<{ ms: Record<string, number[]>; missing: readonly string[] }> {
  const [workspace, dataFolder] = [join(top, 'workspace'), join(top, 'data')]
  for (const made of [workspace, dataFolder]) mkdirSync(made)
  const places = { dataFolder, protectedFiles: [] }
  const { missing } = await chooseSandbox({ mode: 'auto', ...places })
  const sandboxes = new Map<string, Sandbox>()
  for (const mode of ['allow-list', 'landlock', 'unshare', 'bwrap'] as const) {
    // A layer that does not hold here is left out; `missing` says why.
    const chosen = await chooseSandbox({ mode, ...places }).catch(() => undefined)
    if (chosen) sandboxes.set(chosen.sandbox.name, chosen.sandbox)
  }
  const runs = new Map([
    ['spawn', () => plainly(workspace)],
    ...[...sandboxes].map(([name, sandbox]) => [name, () => confined(sandbox, workspace)] as const),
  ])
  const ms = Object.fromEntries([...runs.keys()].map((name): [string, number[]] => [name, []]))
  for (const run of runs.values()) for (let count = 0; count < WARM_UPS; count++) await run()
  for (const end = performance.now() + seconds * 1_000; performance.now() < end; ) {
    for (const [name, run] of runs) {
      const from = performance.now()
      await run()
      ms[name]!.push(performance.now() - from)
    }
  }
  return { ms, missing }
}

async function plainly(workspace: string): Promise<void> {
  const child = spawn(TRUE, [], { cwd: workspace, env: ENV, stdio: ['ignore', 'pipe', 'pipe'] })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${TRUE} ended with ${code}`)
}

async function confined(sandbox: Sandbox, workspace: string): Promise<void> {
  const { exitCode } = await runCommand(sandbox, {
    actionId: ActionId.parse(randomUUID()),
    argv: [TRUE],
    workspace,
    cwd: workspace,
    env: ENV,
    timeoutMs: COMMAND_MS_MAX,
    signal: AbortSignal.timeout(COMMAND_MS_MAX),
  })
  if (exitCode !== 0) throw new Error(`${TRUE} ended with ${exitCode} in ${sandbox.name}`)
}

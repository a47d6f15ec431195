/**
 * Chooses what confines commands on this host: of the layers that there are, those that hold when they are tried. A
 * version number would prove nothing, so each is tried with a command that must fail in it.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionConfig } from '@deed/config/execution-config'
import { DeedError } from '@deed/proto/errors'
import type { ActionId } from '@deed/proto/ids'
import { findProgram } from '../processes/find-program.ts'
import { type Bubblewrap, bubblewrap } from './bubblewrap.ts'
import { type Bounds, type ControlGroups, findControlGroups } from './control-groups.ts'
import { landlock } from './landlock.ts'
import { findNamespacePrograms, namespaces } from './namespaces.ts'
import { type Ended, runCommand } from './run-command.ts'
import type { Sandbox } from './sandbox.ts'
import { systemCallFilter } from './system-call-filter.ts'
import { unconfined } from './unconfined.ts'

export interface Chosen {
  readonly sandbox: Sandbox
  /** Why it is not a stronger one: a sentence for each layer that is missing. */
  readonly missing: readonly string[]
}

export type SandboxMode = ExecutionConfig['commands']['sandbox']

export interface Choosing extends Pick<Bubblewrap, 'dataFolder' | 'protectedFiles'> {
  /** The path of `deed-confine`, where it is not the one that was built beside its source. */
  readonly confine?: string | undefined
  /** As in execution.yaml: `auto` for the strongest layer that holds, or the one layer that is to be taken. */
  readonly mode: SandboxMode
}

const TRIAL_MS_MAX = 30_000
const TRIAL_ID = '00000000-0000-0000-0000-000000000000' as ActionId

/** @throws {DeedError} `unavailable` when the layer that `mode` names does not hold on this host */
export async function chooseSandbox(choosing: Choosing): Promise<Chosen> {
  const { mode } = choosing
  const workspace = mkdtempSync(join(tmpdir(), 'deed-trial-'))
  for (const made of ['.git', 'inside']) mkdirSync(join(workspace, made))
  const missing: string[] = []
  try {
    const found = findControlGroups()
    const groups = found && (await bind(found, workspace)) ? found : undefined
    if (!groups) missing.push('no control groups that bind: memory and processes are only watched')
    if (mode === 'none')
      return {
        sandbox: unconfined('none', groups),
        missing: [...missing, 'commands.sandbox is none in execution.yaml'],
      }
    for (const [layer, attempt] of LAYERS) {
      if (mode !== 'auto' && mode !== layer) continue
      const sandbox = await attempt({ choosing, groups, workspace, missing })
      if (sandbox) return { sandbox, missing }
    }
    if (mode === 'auto' || mode === 'allow-list')
      return { sandbox: await allowList(groups, workspace, missing), missing }
    throw new DeedError(
      'unavailable',
      `commands.sandbox of execution.yaml is ${mode}, which does not hold on this host: ${missing.join('; ')}`,
    )
  } finally {
    rmSync(workspace, { recursive: true, force: true })
  }
}

interface Try {
  readonly choosing: Choosing
  readonly groups: ControlGroups | undefined
  /** An empty one to try in. */
  readonly workspace: string
  /** Is given the reasons why the layer, or a part of it, is left out. */
  readonly missing: string[]
}

/** The strongest first. */
const LAYERS: readonly (readonly [SandboxMode, (trying: Try) => Promise<Sandbox | undefined>])[] = [
  ['bwrap', tryBubblewrap],
  ['unshare', tryNamespaces],
  ['landlock', tryLandlock],
]

/** Control groups are of use only where a command cannot leave its own, which takes a mount where it is root's. */
async function allowList(groups: ControlGroups | undefined, workspace: string, missing: string[]): Promise<Sandbox> {
  const sandbox = unconfined('allow-list', groups)
  const failure = await escapes(sandbox, workspace, 'echo x > inside/written')
  if (failure === undefined) return sandbox
  missing.push(`${sandbox.name} does not hold here: ${failure}`)
  return unconfined('allow-list')
}

async function tryBubblewrap({ choosing, groups, workspace, missing }: Try): Promise<Sandbox | undefined> {
  const bwrap = findProgram('bwrap')
  if (bwrap === undefined) {
    missing.push('bubblewrap (bwrap) is not installed')
    return undefined
  }
  return strongest([systemCallFilter(), undefined], workspace, missing, (filter) =>
    bubblewrap({ bwrap, ...choosing, filter, groups }),
  )
}

async function tryNamespaces({ choosing, groups, workspace, missing }: Try): Promise<Sandbox | undefined> {
  const programs = findNamespacePrograms()
  if (typeof programs === 'string') {
    missing.push(`${programs} is missing, which is a part of util-linux`)
    return undefined
  }
  if (!programs.calls) missing.push('there is no perl, so system calls are not filtered')
  if (!programs.loopback) missing.push('there is no perl and no ip, so the box has no loopback')
  const filters = programs.calls ? [systemCallFilter(), undefined] : [undefined]
  return strongest(filters, workspace, missing, (filter) => namespaces({ programs, ...choosing, filter, groups }))
}

/** @returns the first of them that holds */
async function strongest(
  filters: readonly (Buffer | undefined)[],
  workspace: string,
  missing: string[],
  make: (filter: Buffer | undefined) => Sandbox,
): Promise<Sandbox | undefined> {
  for (const filter of filters) {
    const sandbox = make(filter)
    const failure = await escapes(sandbox, workspace, TRIAL, [filter === undefined ? '' : 'filtered'])
    if (failure === undefined) return sandbox
    missing.push(`${sandbox.name} does not hold here: ${failure}`)
  }
  return undefined
}

const TRIAL_BOUNDS: Bounds = { memoryBytes: 32 * 1024 * 1024, processes: 16 }
/** Keeps what it reads, since no line of it ends. */
const TAKE_MEMORY = 'head -c 256m /dev/zero | tail -n 1 > /dev/null'
const TAKE_PROCESSES = 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 9 & done; kill 0'

/** Whether too much memory, and too many processes, are refused. */
async function bind(groups: ControlGroups, workspace: string): Promise<boolean> {
  const small = unconfined('none', { ...groups, open: () => groups.open(TRIAL_BOUNDS) })
  for (const [script, limit] of [
    [TAKE_MEMORY, 'memory'],
    [TAKE_PROCESSES, 'processes'],
  ]) {
    try {
      await tried(small, workspace, script!)
      return false
    } catch (error) {
      if (!(error instanceof DeedError) || error.details?.limit !== limit) return false
    }
  }
  return true
}

/** What a command in the box must not be able to do; each line that goes wrong ends with a number of its own. */
const TRIAL = `
[ ! -e /etc/shadow ] || exit 11
(echo x > /usr/deed-trial) 2> /dev/null && exit 12
(echo x > .git/deed-trial) 2> /dev/null && exit 13
(echo x > .npmrc) 2> /dev/null && exit 14
echo x > inside/written || exit 15
[ "$(grep -c : /proc/net/dev)" = 1 ] || exit 16
[ "$$" -lt 64 ] || exit 17
[ ! -w /proc/sys/kernel/core_pattern ] || exit 22
[ ! -e /sys/kernel ] || exit 23
grep -q '^CapEff:[^0-9]*0*$' /proc/self/status || exit 18
unshare --user true 2> /dev/null && exit 19
[ "$1" != filtered ] || grep -q '^Seccomp:[^0-9]*2$' /proc/self/status || exit 20
exit 0`

/** The same, where the host stays in sight. Of the network a program of Node's own tells: there is always one. */
const LANDLOCK_TRIAL = `
cat /etc/shadow > /dev/null 2>&1 && exit 11
(echo x > /usr/deed-trial) 2> /dev/null && exit 12
(echo x > .git/deed-trial) 2> /dev/null && exit 13
(echo x > .npmrc) 2> /dev/null && exit 14
echo x > inside/written || exit 15
"$1" -e "$2" || exit 16
cat "/proc/$PPID/environ" > /dev/null 2>&1 && exit 17
unshare --user true 2> /dev/null && exit 19
[ "$3" -lt 6 ] || ! kill -0 "$PPID" 2> /dev/null || exit 21
exit 0`
const MAKES_NO_SOCKET = `require('net').connect(9, '127.0.0.1').on('error', ({ code }) => process.exit(code === 'ECONNREFUSED' ? 1 : 0))`
/** It scopes signals from this one on. */
const LANDLOCK_ABI_FULL = 6
const BUILT = fileURLToPath(new URL('../../native/deed-confine', import.meta.url))

async function tryLandlock({ choosing, groups, workspace, missing }: Try): Promise<Sandbox | undefined> {
  const { dataFolder, protectedFiles, confine = BUILT } = choosing
  // As root it would have the owner's right to all files of the system.
  const filter = systemCallFilter(process.arch, [], process.getuid?.() !== 0)
  if (!existsSync(confine)) missing.push('deed-confine is not built: npm run build:confine -w services/executor')
  if (!filter || !existsSync(confine)) return undefined
  const { status, stdout } = spawnSync(confine, ['--abi'], { encoding: 'utf8', timeout: TRIAL_MS_MAX })
  if (status !== 0) {
    missing.push('the kernel has no Landlock')
    return undefined
  }
  const abi = Number(stdout)
  const sandbox = landlock({ confine, dataFolder, protectedFiles, filter, groups })
  const failure = await escapes(sandbox, workspace, LANDLOCK_TRIAL, [process.execPath, MAKES_NO_SOCKET, String(abi)])
  missing.push(
    failure === undefined
      ? `by Landlock a command makes no new names in the root of the workspace, and ${process.getuid?.() === 0 ? 'changes no mode, owner or time of a file' : 'may change modes and times of files of its user'}`
      : `${sandbox.name} does not hold here: ${failure}`,
  )
  if (failure !== undefined) return undefined
  if (abi < LANDLOCK_ABI_FULL) missing.push('Landlock of this kernel lets a command signal processes of the same user')
  return sandbox
}

const ESCAPES: Readonly<Record<number, string>> = {
  11: 'files of the host can be read',
  12: 'programs of the host can be written to',
  13: 'a protected path can be written to',
  14: 'a protected path can be made',
  15: 'the workspace cannot be written to',
  16: 'the network of the host can be reached',
  17: 'processes of the host can be seen',
  18: 'rights of the administrator are kept',
  19: 'namespaces can be made',
  20: 'system calls are not filtered',
  21: 'processes of the host can be signalled',
  22: 'settings of the kernel can be written to',
  23: 'devices of the kernel can be seen',
}

/** @returns what went wrong, in words; `undefined` when it holds */
async function escapes(
  sandbox: Sandbox,
  workspace: string,
  trial: string,
  args: readonly string[] = [],
): Promise<string | undefined> {
  try {
    const { exitCode, stderr } = await tried(sandbox, workspace, trial, ...args)
    if (exitCode !== 0) return ESCAPES[exitCode] ?? `exit code ${exitCode}: ${stderr.toString().trim()}`
    const written = lstatSync(join(workspace, 'inside', 'written'))
    return written.uid === statSync(workspace).uid ? undefined : 'what it makes belongs to another user'
  } catch (error) {
    if (error instanceof DeedError) return error.message
    throw error
  }
}

function tried(sandbox: Sandbox, workspace: string, script: string, ...args: string[]): Promise<Ended> {
  return runCommand(sandbox, {
    actionId: TRIAL_ID,
    argv: [findProgram('sh') ?? '/bin/sh', '-c', script, 'trial', ...args],
    workspace,
    cwd: workspace,
    env: {},
    timeoutMs: TRIAL_MS_MAX,
    signal: AbortSignal.timeout(TRIAL_MS_MAX),
  })
}

/** From nothing on disk to the first thing that was done and proven, as a new user of Deed sees it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

export const coldStart: Scenario = {
  name: 'mesh.start',
  summary: '`npm start` on an empty data folder, until the first verified reply of the demo',
  run: startCold,
}

const PROJECT = resolve(import.meta.dirname, '../..')
const TAIL_CHARS = 2_000

async function startCold(_: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const folder = opened.use(temporaryFolder())
  const from = performance.now()
  const npm = spawn('npm', ['start', '--silent', '--', '--json'], {
    cwd: PROJECT,
    env: { ...process.env, DEED_DATA_DIR: join(folder.path, 'data') },
    // A group of its own, as in a terminal: Ctrl+C reaches npm and what it runs.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  opened.defer(() => interrupt(npm))
  let errors = ''
  npm.stderr.on('data', (chunk: Buffer) => {
    errors = `${errors}${chunk}`.slice(-TAIL_CHARS)
  })
  for await (const text of createInterface(npm.stdout)) {
    const told = JSON.parse(text) as { task?: string; success?: boolean; verification?: { outcome: string }[] }
    const proven = told.verification?.some(({ outcome }) => outcome === 'verified')
    if (!told.success || !proven) throw new Error(`the first task ended as ${text}`)
    return [{ scenario: coldStart.name, first_verified_reply_ms: rounded(performance.now() - from, 0) }]
  }
  throw new Error(`npm start ended before the first reply\n${errors}`)
}

/** As Ctrl+C would, and waits until everything has drained. */
async function interrupt(npm: ChildProcess): Promise<void> {
  if (npm.pid === undefined || npm.exitCode !== null || npm.signalCode !== null) return
  const exited = once(npm, 'exit')
  process.kill(-npm.pid, 'SIGINT')
  await exited
  // npm may go first; the group is empty when the mesh has gone too.
  while (groupLives(npm.pid)) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
}

const POLL_MS = 20

function groupLives(group: number): boolean {
  try {
    return process.kill(-group, 0)
  } catch {
    return false
  }
}

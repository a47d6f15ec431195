/** From nothing on disk to the first thing that was done and proven, as a new user of Deed sees it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { countCosts, disturbance } from './process-costs.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

export const coldStart: Scenario = {
  name: 'mesh.start',
  summary: '`npm start` on an empty data folder, until the first verified reply of the demo',
  run: startCold,
}

const TAIL_CHARS = 2_000

async function startCold({ checkout }: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  if (!existsSync(join(checkout, 'node_modules/.deed-lock')))
    throw new Error(`run npm start once in ${checkout}: it would install the dependencies while it is measured`)
  const folder = opened.use(temporaryFolder())
  const from = performance.now()
  const ended = countCosts({})
  const npm = spawn('npm', ['start', '--silent', '--', '--json'], {
    cwd: checkout,
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
    const printed = JSON.parse(text) as { task?: string; success?: boolean; verification?: { outcome: string }[] }
    const proven = printed.verification?.some(({ outcome }) => outcome === 'verified')
    if (!printed.success || !proven) throw new Error(`the first task ended as ${text}`)
    const first_verified_reply_ms = rounded(performance.now() - from, 0)
    return [{ scenario: coldStart.name, first_verified_reply_ms, ...disturbance(ended()) }]
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

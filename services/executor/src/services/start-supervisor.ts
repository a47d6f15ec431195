/** Starts the supervisor of a service, and with it the service. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { MODULE_EXTENSION } from '@deed/config/module-extension'
import { servicesFolder } from './service-record.ts'
import type { Supervised } from './supervise.ts'

const PROGRAM = join(import.meta.dirname, `supervise${MODULE_EXTENSION}`)
const HEAP_MB_MAX = 32

/**
 * @returns whether this call started the service; `already` where it ran
 * @throws {Error} why it cannot be started
 */
export async function startSupervisor(service: Supervised): Promise<'started' | 'already'> {
  mkdirSync(servicesFolder(service.dataFolder), { recursive: true, mode: 0o700 })
  // Nothing of the executor's own environment: it holds secrets.
  const child = spawn(process.execPath, ['--no-warnings', `--max-old-space-size=${HEAP_MB_MAX}`, PROGRAM], {
    cwd: '/',
    detached: true,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
  })
  await once(child, 'spawn')
  child.unref()
  const [stdin, reports] = [child.stdin as Writable, child.stdio[3] as Readable]
  // It may end before it has read all; then it has no report.
  stdin.on('error', () => undefined)
  stdin.end(JSON.stringify(service))
  const report = (await text(reports)).trim()
  if (report === 'started' || report === 'already') return report
  throw new Error(report.replace(/^failed /, '') || 'its supervisor has ended')
}

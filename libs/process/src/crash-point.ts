/** Named places where a test can kill or freeze the process, to prove that this loses nothing. */
import { z } from 'zod'

/** From the parent; sent back once it is armed. */
const CrashAt = z.strictObject({ crash_at: z.string() })

let wanted = read(process.env.DEED_CRASH_AT, process.env.DEED_TEST)
let passed = 0

// A running process is told by its test: restarting it for each of many kills would take too long.
if (process.env.DEED_TEST === '1')
  process.on('message', (message: unknown) => {
    const { success, data } = CrashAt.safeParse(message)
    if (!success) return
    wanted = read(data.crash_at, '1')
    passed = 0
    process.send?.(message)
  })

/**
 * Kills this process if `DEED_CRASH_AT=<name>[:nth[:signal]]` names this place: with SIGKILL, or with SIGSTOP, which
 * freezes it until SIGCONT. Costs nothing otherwise.
 */
export function crashPoint(name: string): void {
  if (wanted === undefined || wanted.name !== name) return
  if (++passed === wanted.nth) process.kill(process.pid, wanted.signal)
}

function read(text: string | undefined, test: string | undefined) {
  if (text === undefined || text === '') return undefined
  if (test !== '1')
    throw new Error('DEED_CRASH_AT is set without DEED_TEST=1; unset it: it kills the process on purpose')
  const [name = '', nth = '1', signal = 'SIGKILL'] = text.split(':')
  if (signal !== 'SIGKILL' && signal !== 'SIGSTOP')
    throw new Error(`DEED_CRASH_AT: ${signal} is not supported; use SIGKILL or SIGSTOP`)
  return { name, nth: Number(nth), signal } as const
}

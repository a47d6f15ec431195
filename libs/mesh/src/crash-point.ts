/** Named places where a test may have the process die or freeze, to prove that stopping there loses nothing. */
import { z } from 'zod'

/** From the parent; sent back once it counts. */
const CrashAt = z.strictObject({ crash_at: z.string() })

let wanted = read(process.env.DEED_CRASH_AT, process.env.DEED_TEST)
let passed = 0

// One that runs is told by the test that started it: for each of many deaths to start it twice would take too long.
if (process.env.DEED_TEST === '1')
  process.on('message', (message: unknown) => {
    const { success, data } = CrashAt.safeParse(message)
    if (!success) return
    wanted = read(data.crash_at, '1')
    passed = 0
    process.send?.(message)
  })

/**
 * Kills this process when `DEED_CRASH_AT=<name>[:nth[:signal]]` names this place: with SIGKILL, or with SIGSTOP, which
 * freezes it until somebody sends SIGCONT. Free otherwise.
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
  if (signal !== 'SIGKILL' && signal !== 'SIGSTOP') throw new Error(`DEED_CRASH_AT: ${signal} is no way to stop`)
  return { name, nth: Number(nth), signal } as const
}

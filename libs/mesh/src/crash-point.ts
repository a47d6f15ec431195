/** Named places where a test may have the process die, to prove that dying there loses nothing. */

const wanted = read(process.env.DEED_CRASH_AT, process.env.DEED_TEST)
let passed = 0

/** Kills this process with SIGKILL when `DEED_CRASH_AT=<name>[:nth]` names this place. Free otherwise. */
export function crashPoint(name: string): void {
  if (wanted === undefined || wanted.name !== name) return
  if (++passed === wanted.nth) process.kill(process.pid, 'SIGKILL')
}

function read(text: string | undefined, test: string | undefined): { name: string; nth: number } | undefined {
  if (text === undefined || text === '') return undefined
  if (test !== '1')
    throw new Error('DEED_CRASH_AT is set without DEED_TEST=1; unset it: it kills the process on purpose')
  const [name = '', nth = '1'] = text.split(':')
  return { name, nth: Number(nth) }
}

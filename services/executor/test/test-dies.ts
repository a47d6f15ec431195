/** An attempt whose process dies, for tests of what comes after. */
import type { WorkAct } from '@deed/proto/action'
import { act } from '../src/attempt/act.ts'
import type { WithPlace } from '../src/attempt/places.ts'
import { thisProcess } from '../src/processes/this-process.ts'
import { openLedger } from '../src/store/ledger.ts'
import { testAttempt } from './test-attempt.ts'
import type { TestExecutor } from './test-executor.ts'

/** With the intent written and nothing done, or with all done and nothing reported. */
export async function dies(
  { database, dependencies }: TestExecutor,
  work: WorkAct,
  at: 'before_effect' | 'after_effect',
): Promise<void> {
  // Another process of this host that has ended since: it has a start time that no process has.
  const ledger = openLedger(database, { ...thisProcess(), pidStarted: '1' })
  const killed = new Error('killed')
  const withPlace: WithPlace = (effect) => (at === 'before_effect' ? Promise.reject(killed) : effect())
  try {
    await act(testAttempt(work), { ...dependencies, ledger, withPlace })
  } catch (error) {
    if (error !== killed) throw error
  }
}

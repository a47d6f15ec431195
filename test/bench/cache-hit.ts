/** A question that was answered before, and proven then. */
import { loadScenario } from './load-scenario.ts'

export const cacheHit = loadScenario({
  name: 'execution.cache_hit',
  summary: 'ask a database the same question, one at a time',
  work: 'ask',
  inFlight: 1,
  async check(_, { misses, count }) {
    // An answer is kept for a while: now and then it is computed again. More than that, and this measures something else.
    if (misses > count / 100) throw new Error(`${misses} of ${count} answers did not come from the cache`)
    return { misses }
  },
})

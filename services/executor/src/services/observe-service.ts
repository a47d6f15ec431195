/** Whether a service runs, is healthy, stays so, and is another process than before. */
import { setTimeout as sleep } from 'node:timers/promises'
import { defined, type JsonObject } from '@deed/proto/json'
import type { SingleObservation } from '@deed/proto/observation'
import { type Before, type Context, notedService } from '../kind/kind.ts'
import { failed, type Seen, unverified, verified } from '../kind/seen.ts'
import { serviceProvider } from './provider-of.ts'
import { describe, inSeconds, type ServiceProvider, type ServiceState, stateText } from './service-provider.ts'

type ServiceObservation = Extract<SingleObservation, { kind: 'service' }>

export async function observeService(
  { target: name, state, new_process }: ServiceObservation,
  { world, signal }: Context,
  before: Before,
): Promise<Seen> {
  const provider = serviceProvider(world, name)
  const seen = await provider.state(signal)
  const [observed, facts] = [describe(name, seen), factsOf(seen)]
  if (state === 'stopped') {
    if (seen.running) return failed(observed, facts)
    return verified(seen.ended?.killed ? observed : `${name} does not run`, facts)
  }
  if (!seen.running) return failed(observed, facts)
  if (new_process && stateText(seen) === (before.noted?.[notedService(name)] ?? before.state))
    return failed(`${observed}, the same as before`, facts)
  if (seen.health && !seen.health.ok) return verdictOf(seen, observed)
  return staysUp(name, provider, seen, signal)
}

/** A service that has run for longer was up before this action. */
const STABLE_MS = 60_000
/** Observations after the first one, which must agree with it. */
const SAMPLES = 2

/** Observes the same process up and healthy for as long as the target says. */
async function staysUp(
  name: string,
  { state, stableForMs }: ServiceProvider,
  first: ServiceState,
  signal: AbortSignal,
): Promise<Seen> {
  let now = first
  const fresh = (first.running?.ageMs ?? 0) < STABLE_MS + stableForMs
  for (let sample = 0; fresh && stableForMs > 0 && sample < SAMPLES; sample++) {
    await sleep(stableForMs / SAMPLES, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return unverified(`${name} could not be watched for ${inSeconds(stableForMs)}`)
    now = await state(signal)
    const observed = describe(name, now)
    if (!now.running) return failed(`${observed}; it was up, and not for ${inSeconds(stableForMs)}`, factsOf(now))
    if (identity(now) !== identity(first))
      return failed(`${observed}; it is not the one any more that was up before (${first.running!.text})`, factsOf(now))
    if (now.health && !now.health.ok) return verdictOf(now, observed)
  }
  return verified(describe(name, now), factsOf(now))
}

const identity = ({ running, health }: ServiceState): string =>
  [running?.state, running?.restarts, health?.pid].join(' ')

const verdictOf = (seen: ServiceState, observed: string): Seen =>
  seen.health?.ok === undefined ? unverified(observed, factsOf(seen)) : failed(observed, factsOf(seen))

const factsOf = ({ running, health, ended }: ServiceState): JsonObject => ({
  ...defined({ pid: running?.pid, restarts: running?.restarts }),
  ...(health ? { health: health.text } : {}),
  ...(ended ? { ended: ended.text } : {}),
})

/** Whether a supervised process runs, is healthy, and is another one than before. */
import type { SingleObservation } from '@deed/proto/observation'
import type { Before, Context } from '../kinds/kind.ts'
import { notedService } from '../noted.ts'
import { failed, type Seen, verified } from '../seen.ts'
import { serviceProvider } from './provider-of.ts'
import { stateText } from './service-provider.ts'

type ServiceObservation = Extract<SingleObservation, { kind: 'service' }>

export async function observeService(
  { target: name, state, new_process }: ServiceObservation,
  { world, signal }: Context,
  before: Before,
): Promise<Seen> {
  const seen = await serviceProvider(world, name).state(signal)
  const facts = {
    ...(seen.running?.pid === undefined ? {} : { pid: seen.running.pid }),
    ...(seen.health ? { health: seen.health.text } : {}),
  }
  if (!seen.running) return state === 'stopped' ? verified(`${name} does not run`) : failed(`${name} does not run`)
  const runs = `${name} runs as ${seen.running.text}`
  if (state === 'stopped') return failed(runs, facts)
  if (new_process && stateText(seen) === (before.noted?.[notedService(name)] ?? before.state))
    return failed(`${runs}, the same as before`, facts)
  if (!seen.health) return verified(runs, facts)
  const observed = `${runs}; ${seen.health.text}`
  return seen.health.ok ? verified(observed, facts) : failed(observed, facts)
}

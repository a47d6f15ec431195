/** One-time links to the console of a mesh. */
import type { Bus } from '@deed/mesh/bus'
import { linkConsole } from '@deed/proto/console'

/** @returns a link for the operator; undefined for a mesh that has no console. @param services those that run */
export async function linkTo(bus: Bus, services: readonly { service: string }[]): Promise<string | undefined> {
  if (!services.some(({ service }) => service === 'console')) return undefined
  return (await bus.call(linkConsole, {})).url
}

/** The processes of the mesh that are there. */
import type { Bus } from '@deed/mesh/bus'

/** By service, as PING and INFO of the micro protocol find them. */
export async function instancesOf({ nc }: Bus): Promise<Map<string, { id: string; version: string }[]>> {
  const found = new Map<string, { id: string; version: string }[]>()
  const answers = await nc.services.client().info()
  for await (const { name, id, version } of answers) found.set(name, [...(found.get(name) ?? []), { id, version }])
  return found
}

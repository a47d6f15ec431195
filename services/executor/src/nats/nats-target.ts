/** The NATS servers that targets of type `nats` name. */
import { type ForeignNats, openForeignNats } from '@deed/mesh/foreign-nats'
import { DeedError } from '@deed/proto/errors'
import { registerSecret } from '@deed/telemetry/redact'
import { z } from 'zod'
import type { World } from '../kind/kind.ts'
import { targetOf } from '../kind/target-of.ts'

/** One subject, of no wildcards, and none that the server itself answers. */
export const Subject = z
  .string()
  .max(256)
  .regex(/^[^\s.*>$][^\s.*>]*(\.[^\s.*>]+)*$/, 'must be one subject, without wildcards, that does not begin with $')

/** @throws {DeedError} `unknown_target`, `unavailable` when its variable is not set */
export function natsUrl({ config: { targets }, env }: World, name: string): string {
  const target = targetOf(targets, name, ['nats'], 'a NATS server')
  const url = env[target.url_env]
  if (url === undefined || url === '')
    throw new DeedError('unavailable', `the environment variable ${target.url_env} of target ${name} is not set`)
  registerSecret(url)
  return url
}

/** Whether a request reached nobody, as the server itself says. */
export const nobodyListened = (error: unknown): boolean =>
  error instanceof DeedError && (error.cause as { code?: unknown } | undefined)?.code === '503'

export async function atNats<T>(world: World, name: string, work: (nats: ForeignNats) => Promise<T>): Promise<T> {
  await using nats = await openForeignNats(natsUrl(world, name))
  return await work(nats)
}

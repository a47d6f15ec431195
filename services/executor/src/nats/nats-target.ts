/** The NATS servers that targets of type `nats` name. */
import { nearest } from '@deed/config/nearest'
import { type ForeignNats, openForeignNats } from '@deed/mesh/foreign-nats'
import { DeedError } from '@deed/proto/errors'
import { registerSecret } from '@deed/telemetry/redact'
import { z } from 'zod'
import type { World } from '../kinds/kind.ts'

/** One subject, of no wildcards, and none that the server itself answers. */
export const Subject = z
  .string()
  .max(256)
  .regex(/^[^\s.*>$][^\s.*>]*(\.[^\s.*>]+)*$/, 'must be one subject, without wildcards, that does not begin with $')

/** @throws {DeedError} `unknown_target`, `unavailable` when its variable is not set */
export function natsUrl({ config: { targets }, env }: World, name: string): string {
  const target = targets[name]
  if (target?.type !== 'nats') {
    const meant = nearest(
      name,
      Object.keys(targets).filter((one) => targets[one]?.type === 'nats'),
    )
    throw new DeedError(
      'unknown_target',
      target
        ? `${name} is a target of type ${target.type}, not a NATS server`
        : `execution.yaml has no target ${JSON.stringify(name)}${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
    )
  }
  const url = env[target.url_env]
  if (url === undefined || url === '')
    throw new DeedError('unavailable', `the environment variable ${target.url_env} of target ${name} is not set`)
  registerSecret(url)
  return url
}

export async function atNats<T>(world: World, name: string, work: (nats: ForeignNats) => Promise<T>): Promise<T> {
  await using nats = await openForeignNats(natsUrl(world, name))
  return await work(nats)
}

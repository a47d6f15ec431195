/** From a target's name, or a URL, to the URL that is asked, and whether the configuration vouches for it. */

import { DeedError } from '@deed/proto/errors'
import { registerSecret } from '@deed/telemetry/redact'
import type { World } from '../kind/kind.ts'

export interface Addressed {
  target?: string | undefined
  url?: string | undefined
  path?: string | undefined
}

export interface ResolvedUrl {
  url: string
  trustedOrigin: string | undefined
  /** The configuration says that it may be asked for only once. */
  once: boolean
}

/** @throws {DeedError} `unknown_target`, `invalid_request` */
export function resolveUrl({ target: name, url, path = '' }: Addressed, { config, env }: World): ResolvedUrl {
  if ((name === undefined) === (url === undefined))
    throw new DeedError('invalid_request', 'give either a target or a url')
  if (url !== undefined)
    return { url: path === '' ? url : new URL(path, url).href, trustedOrigin: undefined, once: false }
  const target = config.targets[name!]
  const base =
    target?.type === 'http'
      ? (target.url ?? env[target.url_env ?? ''])
      : target?.type === 'process'
        ? target.health?.url
        : undefined
  if (base === undefined) throw new DeedError('unknown_target', `${name} is no target with a URL in execution.yaml`)
  if (target?.type === 'http' && target.url_env !== undefined) registerSecret(base)
  const resolved = path === '' ? new URL(base) : new URL(path, base)
  const { origin } = new URL(base)
  // A path such as `//elsewhere/x` would name another host.
  if (resolved.origin !== origin) throw new DeedError('invalid_request', `path must stay at ${name}`)
  const once = target?.type === 'http' && target.once.includes(resolved.pathname)
  return { url: resolved.href, trustedOrigin: origin, once }
}

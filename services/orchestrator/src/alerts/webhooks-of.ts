/** The webhooks of execution.yaml, with their URLs and secrets from the environment. */
import type { ExecutionConfig } from '@deed/config/execution-config'
import { registerSecret } from '@deed/telemetry/redact'
import type { Webhook } from './post-webhook.ts'

/** @throws if a named variable is not set, or holds no URL: a webhook that never works must not go unnoticed */
export function webhooksOf(
  webhooks: ExecutionConfig['alerts']['webhooks'],
  env: Readonly<Record<string, string | undefined>>,
): Webhook[] {
  return webhooks.map(({ url, url_env, names, secret_env }) => {
    const secret = secret_env === undefined ? undefined : variable(secret_env, env)
    if (secret !== undefined) registerSecret(secret)
    if (url !== undefined) return { url, names, secret }
    const named = variable(url_env ?? '', env)
    registerSecret(named)
    if (!/^https?:$/.test(URL.parse(named)?.protocol ?? '')) {
      throw new Error(`the environment variable ${url_env} of an alert webhook is not an http or https URL; correct it`)
    }
    return { url: named, names, secret }
  })
}

function variable(name: string, env: Readonly<Record<string, string | undefined>>): string {
  const value = env[name]
  if (value === undefined || value === '') {
    throw new Error(`the environment variable ${name} of an alert webhook is not set; set it`)
  }
  return value
}

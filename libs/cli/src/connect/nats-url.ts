/** The NATS server that the environment names, for a mesh that is to use it. */
import { ConfigError } from '@deed/config/config-error'

/**
 * User and password may also be given apart from the URL.
 *
 * @throws {ConfigError}
 */
export function natsUrlOf({
  NATS_URL: text,
  NATS_USER: user,
  NATS_PASSWORD: password,
}: NodeJS.ProcessEnv): string | undefined {
  if (!text) return undefined
  const url = URL.parse(text.includes('://') ? text : `nats://${text}`)
  if (!url || url.hostname === '')
    throw new ConfigError('NATS_URL is not the URL of one server, such as nats://host:4222')
  if (user) url.username = encodeURIComponent(user)
  if (password) url.password = encodeURIComponent(password)
  return url.href
}

/** The NATS server that the environment names, for a mesh that is to use it. */
import { ConfigurationError } from '@deed/process/configuration-error'

/**
 * User and password may also be given beside the URL.
 *
 * @throws {ConfigurationError}
 */
export function natsUrlOf({
  NATS_URL: text,
  NATS_USER: user,
  NATS_PASSWORD: password,
}: NodeJS.ProcessEnv): string | undefined {
  if (!text) return undefined
  const url = URL.parse(text.includes('://') ? text : `nats://${text}`)
  if (!url || url.hostname === '')
    throw new ConfigurationError('NATS_URL is not the URL of one server, such as nats://host:4222')
  if (user) url.username = encodeURIComponent(user)
  if (password) url.password = encodeURIComponent(password)
  return url.href
}

/** What people say about work, such as a reason, is stored, audited, shown and announced: secrets are taken out of it here. */
import type { Handler } from '@deed/mesh/bus'
import type { RequestContract } from '@deed/proto/contract'
import { redactValue } from '@deed/telemetry/redact'

/**
 * A handler that never sees the secrets of a message. Not for messages that say what is to run: those are refused where
 * they hold one, since another text would be another action.
 */
export const withoutSecrets =
  <C extends RequestContract>(handler: Handler<C>): Handler<C> =>
  (input, scope) =>
    handler(redactValue(input), scope)

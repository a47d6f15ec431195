/**
 * Texts that people write about work, such as a reason, are stored, audited, shown and announced: secrets in them are
 * redacted here.
 */
import type { Handler } from '@deed/mesh/bus'
import type { RequestContract } from '@deed/proto/contract'
import { redactValue } from '@deed/telemetry/redact'

/**
 * A handler that never sees the secrets of a message. Not for messages that say what to run: those are refused if they
 * contain one, since another text would be another action.
 */
export const withoutSecrets =
  <C extends RequestContract>(handler: Handler<C>): Handler<C> =>
  (input, scope) =>
    handler(redactValue(input), scope)

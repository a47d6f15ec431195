/** Columns and values that no question matches and no answer prints. */
import { redact } from '@deed/telemetry/redact'

const SECRET_NAME =
  /(?:^|_)(?:pass|passwd|password|passphrase|pwd|secret|token|credentials?|authorization|api_?key|private_?key|salt)(?:_|$)/

/** Whether a column's name says that it holds secrets: `password_hash`, `apiKey`. */
export const isSecretColumn = (name: string): boolean =>
  SECRET_NAME.test(
    name
      .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_'),
  )

/** Whether a value may be matched and shown. */
export const isShown = (value: string): boolean => redact(value) === value

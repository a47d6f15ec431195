/** What the tokens in execution.yaml have in common: a token is known by its hash, and stands for an identity. */
import { PrincipalName } from '@deed/proto/ids'
import { z } from 'zod'

export const bearerToken = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the token, as 64 hexadecimal digits')
    .describe('Of the token, which has 32 characters or more and is in no file of Deed.'),
  tenant: PrincipalName.default('local'),
  user: PrincipalName,
}

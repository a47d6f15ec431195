/** The section `console.oidc` of execution.yaml: a provider of OpenID Connect that people sign in to the console with. */
import { PrincipalName } from '@deed/proto/ids'
import { CONSOLE_ROLES } from '@deed/proto/permissions'
import { z } from 'zod'

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/

const ClaimName = z.string().min(1).max(256)

export const OidcSettings = z.strictObject({
  issuer: z
    .url({ protocol: /^https?$/ })
    .refine((url) => url.startsWith('https:') || LOOPBACK.test(new URL(url).hostname), {
      error: 'must begin with https://, unless the provider is on this machine',
    })
    .describe('The provider, exactly as it names itself: `https://login.example.com/realms/staff`.'),
  client_id: z.string().min(1).max(256).describe('The console, as the provider knows it.'),
  client_secret_file: z
    .string()
    .min(1)
    .optional()
    .describe('File that has the secret of the client and nothing else. Default: a client without a secret.'),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/, 'must be a name without blanks'))
    .refine((scopes) => scopes.includes('openid'), { error: 'must include openid' })
    .default(['openid', 'profile'])
    .describe('What the provider is asked for; some give groups with a scope of their own only.'),
  user_claim: ClaimName.default('sub').describe(
    'The claim that names the person. `sub` is the only one that every provider keeps unique for good.',
  ),
  tenant: PrincipalName.default('local').describe('The tenant of all who sign in so, unless `tenant_claim` is given.'),
  tenant_claim: ClaimName.optional().describe('The claim that names the tenant.'),
  roles_claim: ClaimName.default('groups').describe(
    'The claim that has the groups or roles; with dots for one inside another: `realm_access.roles`.',
  ),
  roles: z
    .record(z.string().min(1).max(256), z.enum(CONSOLE_ROLES))
    .refine((roles) => Object.keys(roles).length > 0, { error: 'must have an entry: without one nobody is let in' })
    .describe(
      'The role for each value of `roles_claim`; the highest counts. Who has none of the values is not let in.',
    ),
  clock_tolerance_s: z
    .int()
    .min(0)
    .max(300)
    .default(10)
    .describe('By how much the clocks of the provider and of this machine may differ, in seconds.'),
  sign_out_of_provider: z
    .boolean()
    .default(false)
    .describe('Whether who signs out of the console is sent to the provider, to sign out there too.'),
})
export type OidcSettings = z.output<typeof OidcSettings>

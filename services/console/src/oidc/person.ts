/** Who the claims of a provider are in Deed: deny by default. */
import type { OidcSettings } from '@deed/config/oidc-settings'
import { PrincipalName } from '@deed/proto/ids'
import { CONSOLE_ROLES } from '@deed/proto/permissions'
import { Refusal } from '../guard/refusal.ts'
import type { Person } from '../sessions/links.ts'

export type Claims = Readonly<Record<string, unknown>>
type Naming = Pick<OidcSettings, 'user_claim' | 'tenant' | 'tenant_claim' | 'roles_claim' | 'roles'>

/** @returns the value of a claim; a name with dots that is no claim itself is a path: `realm_access.roles` */
export function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name]
  return name.split('.').reduce<unknown>((value, key) => {
    const inside = typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    return inside ? (value as Claims)[key] : undefined
  }, claims)
}

/** The claims that are read. */
export const claimsNeeded = ({ user_claim, tenant_claim, roles_claim }: Naming): string[] =>
  [user_claim, tenant_claim, roles_claim].filter((name) => name !== undefined)

/** @throws {Refusal} that names the key to change, if a name is missing or not one of Deed, or no role is mapped */
export function personOf(claims: Claims, settings: Naming): Person {
  const { user_claim, tenant, tenant_claim, roles_claim, roles } = settings
  const user = nameIn(claims, user_claim, 'user_claim')
  const own = tenant_claim === undefined ? tenant : nameIn(claims, tenant_claim, 'tenant_claim')
  const given = [claimOf(claims, roles_claim)].flat()
  const role = CONSOLE_ROLES.findLast((one) =>
    given.some((value) => typeof value === 'string' && Object.hasOwn(roles, value) && roles[value] === one),
  )
  if (role === undefined)
    throw denied(
      given[0] === undefined
        ? `the provider says nothing of the claim ${roles_claim}; console.oidc.roles_claim and console.oidc.scopes say where roles are`
        : `none of your values of the claim ${roles_claim} has a role; console.oidc.roles gives roles to them`,
    )
  return { tenant: own, user, role }
}

function nameIn(claims: Claims, claim: string, key: 'user_claim' | 'tenant_claim'): string {
  const value = claimOf(claims, claim)
  const { data } = PrincipalName.safeParse(value)
  if (data !== undefined) return data
  throw denied(
    value === undefined
      ? `the provider says nothing of the claim ${claim}; change console.oidc.${key}, or what the provider says of people`
      : `your claim ${claim} is no name in Deed (1 to 63 of a-z, 0-9, - and _, not beginning with - or _); name another claim in console.oidc.${key}`,
  )
}

const denied = (why: string): Refusal => new Refusal('sign_in', why, 'forbidden')

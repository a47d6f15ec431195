/** Grants: approvals in advance, within bounds, until a time. */
import { canonicalJson } from '@deed/json/canonical-json'
import type { Action } from '@deed/proto/action'
import type { Grant } from '@deed/proto/grant'
import type { JsonObject } from '@deed/proto/json'
import { type Changed, changesOf } from '../execution/differences.ts'
import { levelOfApprover, maySelfApprove, type Policy } from './policy.ts'
import { placeOf, type Workspaces } from './touched-by.ts'

export interface GrantRequest {
  action: Action
  level: number
  /** The requester of the execution. */
  user: string
  /** In milliseconds since 1970. */
  now: number
}

/** The highest level that can be approved in advance. */
export const GRANT_LEVEL_MAX = 2

/** Whether the grant approves the action, so that nobody need be asked. Never from level 3 on. */
export function covers(policy: Policy, workspaces: Workspaces, grant: Grant, asked: GrantRequest): boolean {
  const { action, level, user, now } = asked
  return (
    level <= Math.min(grant.level, GRANT_LEVEL_MAX) &&
    // The granter has not seen how these words are read; of a choice the person has, who made it.
    (action.reading === undefined || action.reading.by === 'choice') &&
    grant.revoked_at === null &&
    Date.parse(grant.expires_at) > now &&
    grant.kind === action.kind &&
    (grant.user === null || grant.user === user) &&
    // A person who may not approve now may not have approved in advance.
    maySelfApprove(policy, level, grant.granted_by, user) &&
    levelOfApprover(policy, grant.granted_by) >= level &&
    differsIn(grant, action).length === 0 &&
    (grant.target === null || action.input.target === grant.target) &&
    (grant.input === null || hasInput(action, grant.input)) &&
    (grant.path === null || isWithin(workspaces, grant, action, policy.kinds[action.kind]?.touches?.paths))
  )
}

/** The names of the action that now mean something else than when the grant was given. */
export const differsIn = ({ means }: Pick<Grant, 'means'>, { expect_resolved: now = {} }: Action): Changed[] =>
  changesOf(
    means,
    Object.fromEntries(Object.keys(means).flatMap((name) => (now[name] === undefined ? [] : [[name, now[name]]]))),
  )

const hasInput = ({ input }: Action, wanted: JsonObject): boolean =>
  Object.entries(wanted).every(([name, value]) => {
    const given = input[name]
    return given !== undefined && canonicalJson(given) === canonicalJson(value)
  })

/** Every path of the action is at or below the granted one; an action without paths is judged by its workspace. */
function isWithin(
  workspaces: Workspaces,
  { workspace, path }: Grant,
  action: Action,
  fields: readonly string[] | undefined,
): boolean {
  const { workspace: _, ...rest } = action
  const root = placeOf(workspaces, workspace === null ? rest : { ...rest, workspace }, path ?? '.')
  const said = (fields ?? []).flatMap((field) => (typeof action.input[field] === 'string' ? [action.input[field]] : []))
  const places = (said.length === 0 ? ['.'] : said).map((one) => placeOf(workspaces, action, one))
  return places.every((place) => place === root || place.startsWith(root === '/' ? root : `${root}/`))
}

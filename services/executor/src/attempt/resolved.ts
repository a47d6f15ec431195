/**
 * What the names in an action mean on this host: the command behind a target, its address, the root of a workspace, the
 * variable of a secret. An approval is bound to this, so that a name that means something else by then voids it.
 *
 * Nothing here is secret: an address is shown without user, password and query, an environment by its names.
 */

import { SECRET_REFERENCE } from '@deed/config/secret-use'
import type { Target } from '@deed/config/targets'
import { hashJson, sha256 } from '@deed/json/canonical-json'
import type { Facts } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { Json, JsonObject } from '@deed/proto/json'
import { redact } from '@deed/telemetry/redact'
import type { Context, Kind, World } from '../kind/kind.ts'
import { resolveWorkspace } from '../workspace/workspace.ts'

type Resolving = Pick<Context, 'action' | 'world' | 'signal'>

const VALUE_CHARS_MAX = 500
const HASH_CHARS = 16
/** Kinds whose paths start from a workspace. */
const IN_WORKSPACE = /^(file|dir|code|command|test|git)\./

/** What the action's names mean, by what they name: `victim.command`, `workspace`, `secret.token`. */
export async function resolvedBy(kind: Kind, input: JsonObject, resolving: Resolving): Promise<Facts> {
  return { ...configuredBy(kind, input, resolving), ...(await ownOf(kind, input, resolving)) }
}

const ownOf = async (kind: Kind, input: JsonObject, { world, signal }: Resolving): Promise<Facts> =>
  (await kind.resolves?.(input, world, signal)) ?? {}

/** What execution.yaml says that they mean. */
function configuredBy(kind: Kind, input: JsonObject, { action, world }: Resolving): Facts {
  if (kind.provided) return {}
  const { config } = world
  const hosts = Array.isArray(input.allow_hosts) ? input.allow_hosts : []
  const targets = new Set([input.target, ...hosts, ...targetsOf(action.verify)].filter((one) => isTarget(world, one)))
  const workspace = IN_WORKSPACE.test(kind.name) || action.workspace !== undefined
  return {
    ...(workspace ? workspaceFacts(world, action.workspace) : {}),
    ...Object.assign({}, ...[...targets].map((name) => targetFacts(world, name))),
    ...Object.fromEntries(
      secretsOf(input).flatMap((name) => {
        const variable = Object.hasOwn(config.secrets, name) ? config.secrets[name]?.env : undefined
        return variable === undefined ? [] : [[`secret.${name}`, `the variable ${variable}`]]
      }),
    ),
  }
}

/**
 * Of every attempt, before it reads or does anything.
 *
 * @throws {DeedError} `precondition_failed` where a name means something else than what was approved
 */
export async function refuseOtherMeaning(
  kind: Kind,
  input: JsonObject,
  context: Resolving,
  undo = false,
): Promise<void> {
  const changed = await otherMeaning(kind, input, context, undo)
  if (changed !== undefined) throw new DeedError('precondition_failed', changed)
}

/**
 * Where a name means something else than what was approved, in a sentence that says what to do.
 *
 * @param undo to undo it, it must be done to the same thing; by which program or provider does not matter
 */
export async function otherMeaning(
  kind: Kind,
  input: JsonObject,
  context: Resolving,
  undo = false,
): Promise<string | undefined> {
  const { expect_resolved: approved } = context.action
  if (approved === undefined) return undefined
  const configured = configuredBy(kind, input, context)
  // Nobody is asked about what execution.yaml alone tells apart.
  const shown = Object.fromEntries(
    Object.keys(configured).flatMap((name) => {
      const fact = approved[name]
      return fact === undefined ? [] : [[name, fact]]
    }),
  )
  const changed =
    differenceOf(shown, configured) ?? ownDifference(approved, configured, await ownOf(kind, input, context), undo)
  if (changed === undefined) return undefined
  return undo
    ? `${changed} when this was done; undo it once it is that again`
    : `${changed} when this was planned; plan again`
}

function ownDifference(approved: Facts, configured: Facts, own: Facts, undo: boolean): string | undefined {
  const compared = (facts: Facts): Facts =>
    undo ? Object.fromEntries(Object.entries(facts).filter(([name]) => !(name in own))) : facts
  return differenceOf(compared(approved), compared({ ...configured, ...own }))
}

/** Of a target in execution.yaml, whatever is done to it. @throws {DeedError} `unknown_target` */
export function targetFacts(world: Pick<World, 'config' | 'env'>, name: string): Facts {
  if (!isTarget(world, name))
    throw new DeedError('unknown_target', `execution.yaml has no target ${JSON.stringify(name)}`)
  const target = world.config.targets[name]!
  const facts: Record<string, string | undefined> = {
    type: target.type,
    environment: target.environment,
    ...factsOf(target, world),
  }
  return Object.fromEntries(
    Object.entries(facts).flatMap(([fact, value]) =>
      value === undefined ? [] : [[`${name}.${fact}`, bounded(value)]],
    ),
  )
}

/** @throws {DeedError} `unknown_workspace`, `path_outside_workspace` */
export const workspaceFacts = ({ config }: Pick<World, 'config'>, named: string | undefined): Facts => ({
  workspace: bounded(resolveWorkspace(config, named).root),
})

/** Where two sets of facts differ, in a sentence that names the first of them. */
export function differenceOf(expected: Facts, found: Facts): string | undefined {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])].sort()
  const name = names.find((one) => expected[one] !== found[one])
  return name === undefined
    ? undefined
    : `${name} is ${found[name] ?? 'gone'}, and was ${expected[name] ?? 'not there'}`
}

function factsOf(target: Target, { env }: Pick<World, 'env'>): Record<string, string | undefined> {
  switch (target.type) {
    case 'process':
      return {
        command: JSON.stringify(target.command),
        cwd: target.cwd,
        env: variables(target.env),
        health: target.health && addressOf(target.health.url),
      }
    case 'http':
    case 'sql':
    case 'nats':
      return { address: addressOf(urlOf(target, env)) }
    case 'systemd':
      return { unit: target.unit }
    case 'docker':
      return {
        container: target.container,
        host: env.DOCKER_HOST === undefined ? undefined : addressOf(env.DOCKER_HOST),
      }
    case 'kubernetes':
      return { deployment: `${target.namespace}/${target.deployment}`, context: target.context ?? 'the current one' }
    case 'mcp': {
      const { command, cwd, headers, reads, secrets, allow_hosts, files_sha256, tools_sha256 = null, tools } = target
      const url = urlOf(target, env)
      return {
        command: command && JSON.stringify(command),
        cwd: command && cwd,
        address: url === undefined ? undefined : addressOf(url),
        env: command && variables(target.env),
        secrets: secrets.length > 0 ? secrets.join(', ') : undefined,
        allow_hosts: allow_hosts.length > 0 ? allow_hosts.join(', ') : undefined,
        settings: short(hashJson({ headers, reads, files_sha256, tools_sha256, tools } as JsonObject)),
      }
    }
  }
}

function urlOf(target: { url?: string | undefined; url_env?: string | undefined }, env: World['env']) {
  return (
    target.url ?? (target.url_env === undefined ? undefined : (env[target.url_env] ?? `(${target.url_env} is not set)`))
  )
}

/** The address without what may be secret in it; what is left out of a path or a query counts by its hash. */
function addressOf(text: string | undefined): string | undefined {
  if (text === undefined || !URL.canParse(text)) return text
  const { protocol, host, pathname, search, username } = new URL(text)
  const shown = `${protocol}//${username === '' || protocol === 'nats:' ? '' : `${username}@`}${host}`
  // A webhook's path is its password.
  if (protocol.startsWith('http'))
    return pathname === '/' && search === '' ? shown : `${shown}/ (path ${short(sha256(pathname + search))})`
  return `${shown}${pathname}`
}

/** Names, and a hash that changes with a value. */
const variables = (env: Record<string, string>): string | undefined =>
  Object.keys(env).length === 0 ? undefined : `${Object.keys(env).sort().join(', ')} (${short(hashJson(env))})`

const isTarget = ({ config }: Pick<World, 'config'>, name: unknown): name is string =>
  typeof name === 'string' && Object.hasOwn(config.targets, name)

function targetsOf(value: Json | object | undefined): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'target' && typeof inner === 'string' ? [inner] : targetsOf(inner as Json),
  )
}

function secretsOf(input: JsonObject): string[] {
  const listed = Array.isArray(input.secrets) ? input.secrets.filter((name) => typeof name === 'string') : []
  const referred = [...JSON.stringify(input).matchAll(SECRET_REFERENCE)].map(([, name = '']) => name)
  return [...new Set([...listed, ...referred])]
}

const short = (hash: string): string => `sha256:${hash.slice(0, HASH_CHARS)}`

/** What is left out, since it is long or secret, counts by its hash. */
function bounded(text: string): string {
  const clean = redact(text)
  if (clean === text && text.length <= VALUE_CHARS_MAX) return text
  return `${clean.slice(0, VALUE_CHARS_MAX).toWellFormed()} ... (${short(sha256(text))})`
}

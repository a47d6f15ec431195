/**
 * NATS identities as files: an nkey for every service, job and caller, and the accounts of the server, which hold public
 * keys alone. While a key is replaced, the old one and the new one are both let in.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '@deed/config/config-error'
import { accountsOf, systemAccount } from '@deed/proto/accounts'
import { CALLERS, type Caller, MESH_USERS } from '@deed/proto/permissions'
import { createUser, fromSeed } from 'nkeys.js'
import { z } from 'zod'
import { accountsConfiguration } from './accounts-configuration.ts'

export const ACCOUNTS_FILE = 'accounts.conf'
/** Reads the server's status. */
const SYSTEM = 'system'
const CALLERS_FILE = 'callers.json'
const SEED = '.nk'
const OLD_SEED = '.old.nk'

const StoredCallers = z.array(
  z.strictObject({ name: z.string(), role: z.enum(['client', 'approver']), tenant: z.string(), user: z.string() }),
)

/** What changed, as names of users. */
export interface Change {
  created: string[]
  rotated: string[]
  retired: string[]
}

/** The path of a user's seed. */
export const seedFile = (folder: string, user: string): string => join(folder, `${user}${SEED}`)

/**
 * Makes the keys that are missing, and the accounts. Keys that are there stay.
 *
 * @param more callers besides those of a mesh on one machine; the folder remembers them
 */
export function createCredentials(folder: string, more: readonly Caller[]): Change {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const callers = [...callersIn(folder).filter(({ name }) => !more.some((one) => one.name === name)), ...more]
  writeFileSync(join(folder, CALLERS_FILE), `${JSON.stringify(callers, null, 2)}\n`)
  const created = usersOf(callers).filter((user) => !existsSync(seedFile(folder, user)))
  for (const user of created) writeSeed(seedFile(folder, user))
  writeAccounts(folder)
  return { created, rotated: [], retired: [] }
}

/**
 * Gives users a new key; the server lets the old one in as well, until it is retired.
 *
 * @param users none: all
 * @throws {ConfigError} if there is no such user, or an earlier key of it was not retired
 */
export function rotateCredentials(folder: string, users: readonly string[]): Change {
  const rotated = chosen(folder, users)
  const under = rotated.filter((user) => existsSync(oldSeedFile(folder, user)))
  if (under.length > 0)
    throw new ConfigError(`the earlier keys of ${under.join(', ')} are still let in; retire them first`)
  for (const user of rotated) {
    renameSync(seedFile(folder, user), oldSeedFile(folder, user))
    writeSeed(seedFile(folder, user))
  }
  writeAccounts(folder)
  return { created: [], rotated, retired: [] }
}

/**
 * Removes the old keys of users; the server refuses them once it has read the accounts again.
 *
 * @param users none: all that have one
 * @throws {ConfigError} if there is no such user
 */
export function retireCredentials(folder: string, users: readonly string[]): Change {
  const retired = chosen(folder, users).filter((user) => existsSync(oldSeedFile(folder, user)))
  for (const user of retired) rmSync(oldSeedFile(folder, user))
  writeAccounts(folder)
  return { created: [], rotated: [], retired }
}

/** Kubernetes manifests: a Secret for each user, and a ConfigMap with the accounts. Equal input gives equal text. */
export function credentialManifests(folder: string, prefix: string): object[] {
  const users = usersOf(callersIn(folder))
  chosen(folder, users)
  const labels = { 'app.kubernetes.io/part-of': 'deed' }
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `${prefix}accounts`, labels },
      data: { [ACCOUNTS_FILE]: readFileSync(join(folder, ACCOUNTS_FILE), 'utf8') },
    },
    ...users.map((user) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `${prefix}${user}`, labels },
      type: 'Opaque',
      stringData: { 'user.nk': readFileSync(seedFile(folder, user), 'utf8').trim() },
    })),
  ]
}

const usersOf = (callers: readonly Caller[]): string[] => [
  ...[...MESH_USERS, SYSTEM],
  ...[...CALLERS, ...callers].map(({ name }) => name),
]

function chosen(folder: string, users: readonly string[]): string[] {
  const known = existsSync(folder)
    ? readdirSync(folder).flatMap((file) =>
        file.endsWith(SEED) && !file.endsWith(OLD_SEED) ? file.slice(0, -SEED.length) : [],
      )
    : []
  if (known.length === 0) throw new ConfigError(`${folder} has no credentials; make them with deed credentials create`)
  const unknown = users.filter((user) => !known.includes(user))
  if (unknown.length > 0)
    throw new ConfigError(`no user ${unknown.join(', ')} in ${folder}; known: ${known.join(', ')}`)
  return users.length === 0 ? known : [...users]
}

function callersIn(folder: string): Caller[] {
  const file = join(folder, CALLERS_FILE)
  if (!existsSync(file)) return []
  const { data, error } = StoredCallers.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  if (error) throw new ConfigError(`${file} cannot be used: ${error.message}`)
  return data
}

function writeAccounts(folder: string): void {
  const text = accountsConfiguration(
    [systemAccount(SYSTEM), ...accountsOf([...CALLERS, ...callersIn(folder)])],
    (user) =>
      [seedFile(folder, user), oldSeedFile(folder, user)].flatMap((file) =>
        existsSync(file) ? `nkey: ${JSON.stringify(publicKeyIn(file))}` : [],
      ),
  )
  const file = join(folder, ACCOUNTS_FILE)
  writeFileSync(`${file}.new`, `# Made by deed credentials: public keys and permissions, no secret.\n${text}\n`)
  renameSync(`${file}.new`, file)
}

function writeSeed(file: string): void {
  writeFileSync(`${file}.new`, `${new TextDecoder().decode(createUser().getSeed())}\n`, { mode: 0o600 })
  chmodSync(`${file}.new`, 0o600)
  renameSync(`${file}.new`, file)
}

function publicKeyIn(file: string): string {
  try {
    return fromSeed(new TextEncoder().encode(readFileSync(file, 'utf8').trim())).getPublicKey()
  } catch (cause) {
    throw new ConfigError(`${file} holds no seed of an nkey; remove it, and deed credentials create makes a new one`, {
      cause,
    })
  }
}

const oldSeedFile = (folder: string, user: string): string => join(folder, `${user}${OLD_SEED}`)

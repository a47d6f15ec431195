/**
 * How services that are deployed apart enter PostgreSQL: a folder with two URLs for each service that has tables, that of its
 * role and that of the role that owns its tables. The passwords in them are the ones that `deed prepare` gives the roles.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '@deed/config/config-error'
import { newPassword } from './data-folder.ts'
import { ownerOf, type RoleUrls, roleOf, STORING, type StoringService } from './roles.ts'

/** The administrator of a PostgreSQL of one's own, and the password alone; for a given server, replace the URL. */
const ADMIN = { user: 'postgres', url: 'admin.url', password: 'admin.password' } as const

/** The files of a service, as kinds of role: `executor.url`, `executor.owner-url`. */
const FILES = { services: { suffix: 'url', roleOf }, owners: { suffix: 'owner-url', roleOf: ownerOf } } as const
type Kind = keyof typeof FILES
const KINDS = Object.keys(FILES) as Kind[]

const fileOf = (service: StoringService, kind: Kind): string => `${service}.${FILES[kind].suffix}`

/**
 * Writes the URLs that are missing, with new passwords; those that are there stay.
 *
 * @param server the URL of the database without a user, such as `postgres://db.example:5432/deed?sslmode=verify-full`
 * @returns the names of the files that were written
 */
export function createDatabaseUrls(folder: string, server: string): string[] {
  const url = URL.parse(server)
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || url.username !== '')
    throw new ConfigError(`${server} is not the URL of a database without a user, such as postgres://host:5432/deed`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const missing = STORING.flatMap((service) =>
    KINDS.filter((kind) => !existsSync(join(folder, fileOf(service, kind)))).map((kind) => ({ service, kind })),
  )
  for (const { service, kind } of missing) {
    url.username = FILES[kind].roleOf(service)
    url.password = newPassword()
    writeFileSync(join(folder, fileOf(service, kind)), `${url.href}\n`, { mode: 0o600 })
  }
  return [...missing.map(({ service, kind }) => fileOf(service, kind)), ...createAdmin(folder, url)]
}

function createAdmin(folder: string, url: URL): string[] {
  if (existsSync(join(folder, ADMIN.url))) return []
  url.username = ADMIN.user
  url.password = newPassword()
  writeFileSync(join(folder, ADMIN.url), `${url.href}\n`, { mode: 0o600 })
  writeFileSync(join(folder, ADMIN.password), decodeURIComponent(url.password), { mode: 0o600 })
  return [ADMIN.url, ADMIN.password]
}

/** @throws {ConfigError} that names the file which is missing, or is not the URL of its role with a password */
export function readDatabaseUrls(folder: string): RoleUrls {
  const read = (kind: Kind) =>
    Object.fromEntries(
      STORING.map((service) => [service, readUrl(join(folder, fileOf(service, kind)), FILES[kind].roleOf(service))]),
    )
  return { services: read('services'), owners: read('owners') } as RoleUrls
}

function readUrl(file: string, role: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new ConfigError(`${file} cannot be read; deed credentials create --database makes it`, { cause })
  }
  const url = URL.parse(text)
  if (url?.username !== role || url.password === '')
    throw new ConfigError(`${file} must hold the URL of a database, with the user ${role} and a password`)
  return url.href
}

/** A Secret for each service, with its URLs as the keys `url` and `owner-url`, and one for the administrator. */
export function databaseManifests(folder: string, prefix: string): object[] {
  const urls = readDatabaseUrls(folder)
  const secret = (name: string, stringData: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `${prefix}${name}`, labels: { 'app.kubernetes.io/part-of': 'deed' } },
    type: 'Opaque',
    stringData,
  })
  const url = readFileSync(join(folder, ADMIN.url), 'utf8').trim()
  return [
    ...STORING.map((service) =>
      secret(service, Object.fromEntries(KINDS.map((kind) => [FILES[kind].suffix, urls[kind][service]]))),
    ),
    secret('admin', { url, password: decodeURIComponent(new URL(url).password) }),
  ]
}

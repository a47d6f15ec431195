/**
 * One database role per service, each with a schema of its own, so that no service reads or writes another's tables.
 *
 * The tables belong to one owner role, as which migrations run; a service works as its own role, which cannot change
 * them. The embedded server and a PostgreSQL elsewhere (15 or newer) are prepared alike.
 */
import type { ServiceName } from '@deed/proto/contract'
import pg from 'pg'
import { newPassword } from './data-folder.ts'
import { SERVICES } from './services.ts'

const OWNER = 'deed_owner'
/** Any number, the same in every process: two that prepare one database take turns. */
const LOCK_ID = 4_202_133
const STATEMENT_TIMEOUT = '30s'
/** These read the view `orchestrator.dispatch`; the right to the view itself comes with the migration that makes it. */
const DISPATCH_READERS: readonly ServiceName[] = ['executor', 'hybrid-agent']

export interface RolePasswords {
  owner: string
  services: Record<ServiceName, string>
}

export interface RoleUrls {
  /** For migrations. */
  owner: string
  services: Record<ServiceName, string>
}

/** Passwords to be kept by the caller, readable by the owner alone: with others, `createRoles` changes the roles'. */
export function newRolePasswords(): RolePasswords {
  const services = Object.fromEntries(SERVICES.map((service) => [service, newPassword()]))
  return { owner: newPassword(), services: services as Record<ServiceName, string> }
}

/** The schema of a service: `hybrid_agent`. */
export function schemaOf(service: ServiceName): string {
  return service.replaceAll('-', '_')
}

/** The role of a service: `deed_hybrid_agent`. */
export function roleOf(service: ServiceName): string {
  return `deed_${schemaOf(service)}`
}

/**
 * Brings roles, schemas and rights to where they should be, in one transaction; doing it again changes nothing.
 *
 * @param adminUrl of the database to prepare, as a superuser or as a role that may create roles and schemas
 * @returns the same database, as each role
 */
export async function createRoles(adminUrl: string, passwords: RolePasswords): Promise<RoleUrls> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    await client.query(statements(client.database ?? '', passwords))
  } finally {
    await client.end()
  }
  return {
    owner: urlFor(adminUrl, OWNER, passwords.owner),
    services: Object.fromEntries(
      SERVICES.map((service) => [service, urlFor(adminUrl, roleOf(service), passwords.services[service])]),
    ) as Record<ServiceName, string>,
  }
}

/** One simple query, and so one transaction and one round trip. */
function statements(database: string, passwords: RolePasswords): string {
  const inDatabase = `IN DATABASE ${pg.escapeIdentifier(database)}`
  return [
    `SELECT pg_advisory_xact_lock(${LOCK_ID})`,
    ...loginRole(OWNER, passwords.owner),
    // Without this only a superuser could make schemas that belong to the owner.
    `GRANT ${OWNER} TO CURRENT_USER`,
    ...SERVICES.flatMap((service) => {
      const schema = schemaOf(service)
      const role = roleOf(service)
      const byDefault = `ALTER DEFAULT PRIVILEGES FOR ROLE ${OWNER} IN SCHEMA ${schema}`
      return [
        ...loginRole(role, passwords.services[service]),
        `ALTER ROLE ${role} ${inDatabase} SET statement_timeout = '${STATEMENT_TIMEOUT}'`,
        `ALTER ROLE ${role} ${inDatabase} SET search_path = ${schema}`,
        `CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${OWNER}`,
        `GRANT USAGE ON SCHEMA ${schema} TO ${role}`,
        `${byDefault} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${role}`,
        `${byDefault} GRANT USAGE, SELECT ON SEQUENCES TO ${role}`,
      ]
    }),
    ...DISPATCH_READERS.map((service) => `GRANT USAGE ON SCHEMA orchestrator TO ${roleOf(service)}`),
  ].join(';\n')
}

function loginRole(role: string, password: string): string[] {
  return [
    `DO $$ BEGIN
       IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') THEN CREATE ROLE ${role}; END IF;
     END $$`,
    `ALTER ROLE ${role} LOGIN PASSWORD ${pg.escapeLiteral(password)}`,
  ]
}

function urlFor(adminUrl: string, role: string, password: string): string {
  const url = new URL(adminUrl)
  url.username = role
  url.password = password
  return url.href
}

/**
 * Two database roles per service, on a schema of its own, so that no service reads or writes another's tables.
 *
 * The service's owner role owns the tables and runs its migrations; the service works as the other role, which cannot
 * alter them. The embedded server and an external PostgreSQL (15 or newer) are prepared alike.
 */
import { join } from 'node:path'
import { SERVICES, type ServiceName } from '@deed/proto/contract'
import pg from 'pg'
import { keep, newPassword, readJson } from './data-folder.ts'

/** The services with tables; the others store nothing. */
export const STORING = SERVICES.filter((service) => service !== 'task-decomposer' && service !== 'console')
export type StoringService = (typeof STORING)[number]

/** The owner of all tables in earlier versions. */
const COMMON_OWNER = 'deed_owner'
/** An arbitrary number, the same in every process: concurrent preparations of one database take turns. */
const LOCK_ID = 4_202_133
const STATEMENT_TIMEOUT = '30s'
/** Who reads a view of another's schema; the right to the view itself comes with the migration that makes it. */
const VIEW_READERS: readonly [reader: StoringService, owner: StoringService][] = [
  ['executor', 'orchestrator'],
  ['hybrid-agent', 'orchestrator'],
  ['orchestrator', 'executor'],
  ['orchestrator', 'organization'],
  ['hybrid-agent', 'organization'],
]

/** For searches in the words of tasks; without it they take more pages. */
const SEARCH_EXTENSION = `DO $$ BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA ${schemaOf('orchestrator')};
EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_file THEN
  RAISE NOTICE 'pg_trgm is not available';
END $$`

export interface RolePasswords {
  owners: Record<StoringService, string>
  services: Record<StoringService, string>
}

export interface RoleUrls {
  /** For migrations, one per schema. */
  owners: Record<StoringService, string>
  services: Record<StoringService, string>
}

/** The caller stores the passwords, readable by the owner only: `createRoles` sets the roles' passwords to them. */
export function newRolePasswords(): RolePasswords {
  return { owners: forEach(newPassword), services: forEach(newPassword) }
}

/** Those of the mesh of a data folder, which stores them. */
export function keptPasswords(dataDir: string): RolePasswords {
  const passwords = { ...newRolePasswords(), ...readJson<Partial<RolePasswords>>(join(dataDir, 'roles.json')) }
  keep(dataDir, 'roles', passwords)
  return passwords
}

/** The schema of a service: `hybrid_agent`. */
export function schemaOf(service: ServiceName): string {
  return service.replaceAll('-', '_')
}

/** The role of a service: `deed_hybrid_agent`. */
export function roleOf(service: ServiceName): string {
  return `deed_${schemaOf(service)}`
}

/** The role that owns the tables of a service: `deed_hybrid_agent_owner`. */
export function ownerOf(service: ServiceName): string {
  return `${roleOf(service)}_owner`
}

/**
 * Creates or updates roles, schemas and privileges in one transaction; idempotent.
 *
 * @param adminUrl of the database to prepare, as a superuser or as a role that may create roles and schemas
 * @returns URLs of the same database for each role
 */
export async function createRoles(adminUrl: string, passwords: RolePasswords): Promise<RoleUrls> {
  const client = new pg.Client({ connectionString: adminUrl })
  // A connection that dies fails the statement as well.
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query(statements(client.database ?? '', passwords))
  } finally {
    await client.end()
  }
  return {
    owners: forEach((service) => urlFor(adminUrl, ownerOf(service), passwords.owners[service])),
    services: forEach((service) => urlFor(adminUrl, roleOf(service), passwords.services[service])),
  }
}

const forEach = (valueFor: (service: StoringService) => string): Record<StoringService, string> =>
  Object.fromEntries(STORING.map((service) => [service, valueFor(service)])) as Record<StoringService, string>

/** One simple query, and so one transaction and one round trip. */
function statements(database: string, passwords: RolePasswords): string {
  const inDatabase = `IN DATABASE ${pg.escapeIdentifier(database)}`
  return [
    `SELECT pg_advisory_xact_lock(${LOCK_ID})`,
    ...STORING.flatMap((service) => {
      const schema = schemaOf(service)
      const role = roleOf(service)
      const owner = ownerOf(service)
      const byDefault = `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA ${schema}`
      return [
        ...loginRole(role, passwords.services[service]),
        ...loginRole(owner, passwords.owners[service]),
        // Without this only a superuser could create schemas that belong to the owner.
        `GRANT ${owner} TO CURRENT_USER`,
        `ALTER ROLE ${role} ${inDatabase} SET statement_timeout = '${STATEMENT_TIMEOUT}'`,
        `ALTER ROLE ${role} ${inDatabase} SET search_path = ${schema}`,
        `CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${owner}`,
        takeOver(schema, owner),
        `GRANT USAGE ON SCHEMA ${schema} TO ${role}`,
        `${byDefault} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${role}`,
        `${byDefault} GRANT USAGE, SELECT ON SEQUENCES TO ${role}`,
      ]
    }),
    SEARCH_EXTENSION,
    ...VIEW_READERS.map(([reader, owner]) => `GRANT USAGE ON SCHEMA ${schemaOf(owner)} TO ${roleOf(reader)}`),
  ].join(';\n')
}

/** Transfers objects of an earlier version to the schema's owner; an index or a column's sequence follows its table. */
function takeOver(schema: string, owner: string): string {
  return `DO $$ DECLARE change text; BEGIN
     IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '${schema}' AND pg_get_userbyid(nspowner) = '${COMMON_OWNER}')
     THEN RETURN; END IF;
     FOR change IN
       SELECT format('ALTER %s %s OWNER TO ${owner}', CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, oid::regclass)
         FROM pg_class WHERE relnamespace = '${schema}'::regnamespace AND relkind IN ('r', 'p', 'v')
       UNION ALL SELECT format('ALTER ROUTINE %s OWNER TO ${owner}', oid::regprocedure)
         FROM pg_proc WHERE pronamespace = '${schema}'::regnamespace
     LOOP EXECUTE change; END LOOP;
     ALTER SCHEMA ${schema} OWNER TO ${owner};
   END $$`
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

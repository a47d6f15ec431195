/** Whether this release can work with the tables that are in a database, seen by its administrator. */
import { laterSchemaFault, needsMore } from '@deed/config/later-schema'
import { ASK_RESTORE, restoreAdvice } from '@deed/config/unfinished-restore'
import pg from 'pg'
import { migrationsOf } from './copy-tables.ts'
import { knownMigrations } from './prepare.ts'
import { STORING, schemaOf } from './roles.ts'

/** @returns a sentence for each service that would refuse to start, by its name */
export async function schemaFaults(adminUrl: string): Promise<{ service: string; fault: string }[]> {
  const client = new pg.Client({ connectionString: adminUrl })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<{ restore: string | null }>(ASK_RESTORE)
    const restore = rows[0]?.restore
    if (restore) return STORING.map((service) => ({ service, fault: restoreAdvice(restore) }))
    const faults: { service: string; fault: string }[] = []
    for (const service of STORING) {
      const applied = await migrationsOf(client, schemaOf(service)).catch(() => [])
      // Asking a service what it knows takes a process.
      if (!needsMore(applied)) continue
      const fault = laterSchemaFault(schemaOf(service), applied, await knownMigrations(service))
      if (fault !== undefined) faults.push({ service, fault })
    }
    return faults
  } finally {
    await client.end()
  }
}

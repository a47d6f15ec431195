/** A process that brings the tables of a service up to date and ends, where the service itself may not. */
import { createLogger } from '@deed/telemetry/logger'
import type { Migration } from 'kysely/migration'
import { z } from 'zod'
import { DatabaseEnvironment, migrateDatabase } from './database.ts'

/** @param schema of the service. Ends the process with exit code 1 if it fails, after a line in the log */
export async function migrateAlone(schema: string, migrations: Record<string, Migration>): Promise<void> {
  const log = createLogger(`${schema}-migration`)
  try {
    const { DATABASE_URL: url, DATABASE_OWNER_URL: ownerUrl } = z.object(DatabaseEnvironment).parse(process.env)
    await migrateDatabase({ url, ownerUrl, schema, migrations, log })
  } catch (error) {
    log.fatal({ err: error }, 'the migration failed')
    process.exitCode = 1
  }
}

/** A process that brings the tables of a service up to date and ends, where the service itself may not. */
import { parseArgs } from 'node:util'
import { createLogger } from '@deed/telemetry/logger'
import type { Migration } from 'kysely/migration'
import { z } from 'zod'
import { DatabaseEnvironment, migrateDatabase } from './database.ts'

/**
 * Ends the process with exit code 1 if it fails, after a line in the log. With `--list` it prints the names of the
 * migrations instead, one a line; with `--restore <names>` it runs those alone, for the tables of a backup.
 *
 * @param schema of the service
 */
export async function migrateAlone(schema: string, migrations: Record<string, Migration>): Promise<void> {
  const { values } = parseArgs({ options: { list: { type: 'boolean' }, restore: { type: 'string' } } })
  if (values.list) {
    process.stdout.write(Object.keys(migrations).join('\n'))
    return
  }
  const log = createLogger(`${schema}-migration`)
  try {
    const { DATABASE_URL: url, DATABASE_OWNER_URL: ownerUrl } = z.object(DatabaseEnvironment).parse(process.env)
    const wanted = values.restore?.split(',')
    const chosen = Object.entries(migrations).filter(([name]) => wanted?.includes(name) ?? true)
    const restoring = wanted !== undefined
    await migrateDatabase({ url, ownerUrl, schema, migrations: Object.fromEntries(chosen), restoring, log })
  } catch (error) {
    log.fatal({ err: error }, 'the migration failed')
    process.exitCode = 1
  }
}

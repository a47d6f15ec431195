/** What the organization permits to deploy, read in its view. */
import type { Database } from './schema.ts'

/** No such schema, no such view, no right to it: then nothing is permitted. */
const NOT_THERE = new Set(['3F000', '42P01', '42501'])

/** @returns whether a deployment of one of the releases to the environment is permitted now, by the database's clock */
export const permitsIn =
  (db: Pick<Database, 'query'>) =>
  async (tenant: string, environment: string, releases: readonly string[] | undefined): Promise<boolean> => {
    const rows = await db
      .query(
        'orchestrator.permits',
        'select from organization.deployments where tenant = $1 and environment = $2 and ($3::text[] is null or release = any($3)) limit 1',
        [tenant, environment, releases ?? null],
      )
      .catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && NOT_THERE.has(String(error.code))) return []
        throw error
      })
    return rows.length > 0
  }

/** Whether a service's part of PostgreSQL lets it work. */
import { laterSchemaFault } from '@deed/config/later-schema'
import type { Store } from './database.ts'

/** Without these a power cut loses what was committed. */
export const DURABLE = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' } as const

type Asked = Pick<Store<unknown>, 'pool'>

/**
 * Each resolves to why not, or to undefined. Nothing is retried: the caller wants to know how it is now.
 *
 * @param migrations those of this release, by name
 */
export function storeProbes({ pool }: Asked, migrations: object) {
  const settings = async (names: readonly string[]): Promise<Map<string, string | null>> => {
    const { rows } = await pool.query<{ name: string; value: string | null }>(
      'select name, current_setting(name, true) as value from unnest($1::text[]) as name',
      [names],
    )
    return new Map(rows.map(({ name, value }) => [name, value]))
  }
  return {
    async postgresql(): Promise<string | undefined> {
      const found = await settings(['transaction_read_only'])
      return found.get('transaction_read_only') === 'on' ? 'PostgreSQL is read-only' : undefined
    },
    async schema(): Promise<string | undefined> {
      const { rows } = await pool.query<{ schema: string; name: string }>(
        'select current_schema() as schema, name from kysely_migration',
      )
      const applied = rows.map(({ name }) => name)
      const known = Object.keys(migrations)
      const missing = known.filter((name) => !applied.includes(name))
      if (missing.length > 0) return `migrations are missing: ${missing.join(', ')}`
      return laterSchemaFault(rows[0]?.schema ?? '', applied, known)
    },
    async durability(): Promise<string | undefined> {
      const found = await settings(Object.keys(DURABLE))
      const weak = Object.entries(DURABLE).filter(([name, value]) => found.get(name) !== value)
      return weak.length === 0 ? undefined : weak.map(([name]) => `${name} is ${found.get(name)}`).join(', ')
    },
  }
}

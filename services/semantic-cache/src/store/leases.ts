/** Leases on computing the answer to a key, over all replicas. A lease expires by itself if its holder dies. */
import type { ExecutionId } from '@deed/proto/ids'
import type { Store } from '@deed/store/database'
import type { CacheKey } from '../entry/cache-key.ts'
import { CHANNEL } from './messages.ts'

type Pool = Store<unknown>['pool']

/** Two callers took the lease concurrently, and the second does not see the first one's row yet. */
const CHECK_AGAIN_MS = 100

/** @returns whether the execution holds the lease, and for how many milliseconds its holder does */
export async function takeLease(
  pool: Pool,
  { tenant, hash }: CacheKey,
  executionId: ExecutionId,
  leaseMs: number,
): Promise<{ won: boolean; leftMs: number }> {
  const { rows } = await pool.query<{ won: boolean; leftMs: number }>({
    name: 'take_lease',
    text: `
      with taken as (
        insert into leases (tenant, key_hash, execution_id, expires_at)
        values ($1, $2, $3, now() + $4::float8 * interval '1 millisecond')
        on conflict (tenant, key_hash) do update
          set execution_id = excluded.execution_id, expires_at = excluded.expires_at
          where leases.expires_at <= now() or leases.execution_id = excluded.execution_id
        returning 1
      )
      select true as won, $4::float8 as "leftMs" from taken
      union all
      select false, extract(epoch from expires_at - now())::float8 * 1000 from leases
      where tenant = $1 and key_hash = $2 and not exists (select from taken)`,
    values: [tenant, hash, executionId, leaseMs],
  })
  return rows[0] ?? { won: false, leftMs: CHECK_AGAIN_MS }
}

/** @returns false if the execution did not hold it */
export async function endLease(
  pool: Pool,
  origin: string,
  { tenant, hash }: CacheKey,
  executionId: ExecutionId,
): Promise<boolean> {
  const { rows } = await pool.query({
    name: 'end_lease',
    text: `
      with ended as (
        delete from leases where tenant = $1 and key_hash = $2 and execution_id = $3 returning tenant, key_hash
      )
      select pg_notify('${CHANNEL}', concat_ws(' ', 'free', $4::text, tenant, key_hash)) from ended`,
    values: [tenant, hash, executionId, origin],
  })
  return rows.length > 0
}

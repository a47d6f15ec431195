/**
 * Counts acknowledged submissions that were lost with the storage of an intake stream: sequences that were seen in the
 * stream, and are now neither there nor taken. Submissions after the last observation are not counted.
 */
import type { Bus } from '@deed/mesh/bus'
import { intakeState } from '@deed/mesh/work-queue'
import type { Database } from '../store/schema.ts'

export interface Lost {
  readonly tenant: string
  /** Since the last count. */
  readonly now: number
  /** In total. */
  readonly total: number
}

/**
 * A recreated stream restarts its sequences, so those of the old stream are forgotten. $2: when the stream was created,
 * $3 and $4: its first and last sequence.
 */
const COUNT = `
with known as materialized (
  select * from intakes where tenant = $1 for update
), gone as (
  select count(*) as lost from known
    cross join generate_series(known.first_seq, case when known.stream_created = $2 then $3 - 1 else known.last_seq end) as seq
   -- The offset keeps the planner from reading the whole table for each, as long as it has not seen it full.
   where not exists (select from submissions s where s.tenant = $1 and s.sequence = seq offset 0)
), forgotten as (
  delete from submissions s using known
   where known.stream_created <> $2 and s.tenant = $1 and s.sequence <= known.last_seq
), seen as (
  insert into intakes as i (tenant, stream_created, first_seq, last_seq, lost)
  select $1, $2, $3, $4, lost from gone
  on conflict (tenant) do update set stream_created = excluded.stream_created, first_seq = excluded.first_seq,
    last_seq = excluded.last_seq, lost = i.lost + excluded.lost
    where (i.stream_created, i.first_seq, i.last_seq) <> (excluded.stream_created, excluded.first_seq, excluded.last_seq)
)
select gone.lost::int as now, (gone.lost + coalesce(known.lost, 0))::int as total
  from gone left join known on true`

/** @returns undefined if the tenant has no intake stream */
export async function countLost(db: Database, { nc }: Pick<Bus, 'nc'>, tenant: string): Promise<Lost | undefined> {
  const state = await intakeState(nc, tenant)
  if (!state) return undefined
  const [row] = await db.query<{ now: number; total: number }>('orchestrator.count_lost', COUNT, [
    tenant,
    state.created,
    state.first,
    state.last,
  ])
  return { tenant, now: row?.now ?? 0, total: row?.total ?? 0 }
}

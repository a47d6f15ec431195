/** What executions make NATS, PostgreSQL and the kernel do, by their own counters. */
import type { BenchMesh } from './bench-mesh.ts'
import { kernelCalls } from './process-costs.ts'
import { rounded } from './scenario.ts'

/** Counter to what was added to it. */
export type Traffic = Record<string, number>

/** Begins to count. @returns ends the count */
export async function countTraffic(bench: BenchMesh): Promise<() => Promise<Traffic>> {
  const before = await read(bench)
  return async () => {
    const after = await read(bench)
    return Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]))
  }
}

/** Counts statements while `during` lasts. Counting them takes time, so it is not measured meanwhile. */
export async function countStatements({ database }: BenchMesh, during: () => Promise<void>): Promise<number> {
  await database.query('alter system set pg_stat_statements.track = top')
  await database.query('select pg_reload_conf(), pg_stat_statements_reset()')
  await during()
  const { rows } = await database.query<{ calls: number }>(
    `select sum(calls)::float8 as calls from pg_stat_statements
      where userid <> (select oid from pg_roles where rolname = current_user)`,
  )
  return rows[0]?.calls ?? 0
}

/** @param slices one after the other, with `count` executions in all */
export function perExecution(slices: readonly Traffic[], count: number): Record<string, number> {
  const names = Object.keys(slices[0] ?? {})
  return Object.fromEntries(
    names.map((name) => [
      `${name}_per_execution`,
      rounded(slices.reduce((sum, one) => sum + (one[name] ?? 0), 0) / count, 2),
    ]),
  )
}

async function read(bench: BenchMesh): Promise<Traffic> {
  // Only writing takes a transaction id.
  const { rows } = await bench.database.query<Traffic>(
    `select pg_snapshot_xmax(pg_current_snapshot())::text::float8 as commits,
            (pg_current_wal_lsn() - '0/0')::float8 as wal_bytes`,
  )
  const { in_msgs = 0, out_msgs = 0 } = (await bench.mesh.nats?.status('varz')) ?? {}
  return { messages_in: in_msgs, messages_out: out_msgs, ...rows[0], ...kernelCalls(bench.roots()) }
}

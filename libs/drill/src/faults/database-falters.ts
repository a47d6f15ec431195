/** PostgreSQL runs, and does not do what it is asked: it only reads, or others hold what is wanted. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, Trial } from '../harness/fault.ts'
import { underLoad } from '../harness/under-load.ts'

const READ_ONLY_MS = 5_000
/** Longer than the 5 s that a statement waits for a lock. */
const HELD_MS = 6_000
/** Until the statements of the mesh hold one thing and wait for the other. */
const CROSS_MS = 400

export const databaseFalters: readonly Fault[] = [
  {
    id: 'F25',
    title: 'PostgreSQL takes no writes for a while, as after a failover',
    run: (trial) =>
      underLoad(trial, async () => {
        const { database } = trial.mesh
        await sleep(500)
        await database.query('alter system set default_transaction_read_only = on')
        try {
          await database.query('select pg_reload_conf()')
          await sleep(READ_ONLY_MS)
        } finally {
          await database.query('alter system reset default_transaction_read_only')
          await database.query('select pg_reload_conf()')
        }
      }),
  },
  {
    id: 'F26',
    title: 'deadlocks, and locks that others hold for too long',
    run: (trial) =>
      underLoad(trial, async () => {
        for (const _ of [1, 2, 3]) await crossLocks(trial)
        await holdLock(trial)
      }),
  },
]

/** Takes in the other order what the mesh takes in one statement; one of the two is refused by the database. */
async function crossLocks({ mesh: { database } }: Trial): Promise<void> {
  const client = await database.connect()
  try {
    await client.query('begin')
    await client.query('lock table orchestrator.actual_state in exclusive mode')
    await sleep(CROSS_MS)
    await client.query('lock table orchestrator.executions in exclusive mode')
    await client.query('commit')
  } catch {
    // It was this side that the database chose.
    await client.query('rollback')
  } finally {
    client.release()
  }
}

async function holdLock({ mesh: { database } }: Trial): Promise<void> {
  const client = await database.connect()
  try {
    await client.query('begin')
    await client.query('lock table orchestrator.actual_state in exclusive mode')
    await sleep(HELD_MS)
    await client.query('commit')
  } finally {
    client.release()
  }
}

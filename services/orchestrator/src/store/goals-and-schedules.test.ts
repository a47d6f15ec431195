// Two replicas at once, on a real PostgreSQL.
import { randomUUIDv7 } from 'node:crypto'
import { WordsRequest } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { testDatabase } from '@deed/store/test-database'
import { describe, expect, it } from 'vitest'
import { claimGoals, type GoalRow, readGoals, steerGoal, storeCheck, storeGoal } from './goals.ts'
import { migrations } from './migrations.ts'
import { claimSchedules, moveSchedule, readSchedules, storeSchedule } from './schedules.ts'
import type { Database, Schema } from './schema.ts'

const local = { tenant: 'local', user: 'user' }
const at = (ms: number): string => new Date(ms).toISOString()

const putGoal = (db: Database): Promise<GoalRow> =>
  storeGoal(db, {
    ...{ tenant: 'local', user_name: 'user', name: 'up', goal_id: randomUUIDv7(), task: 'start it', source_hash: 'x' },
    request: WordsRequest.parse({ task: 'start it' }),
    steps: [],
    interval_ms: 1_000,
    remedies_max: 5,
    execution_id: randomUUIDv7() as ExecutionId,
  })

/** Makes everything due. */
const hurry = (db: Database, table: string) =>
  db.pool.query(`update ${table} set next_check_at = now() - interval '1 hour'`)

describe('a goal that is due', () => {
  it('is looked at by one replica, and what another finds whose claim has run out is void', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    await putGoal(db)
    await hurry(db, 'goals')
    const claims = await Promise.all([claimGoals(db, 10), claimGoals(db, 10), claimGoals(db, 10)])
    const [first] = claims.flat()
    expect(claims.flat()).toHaveLength(1)
    await hurry(db, 'goals')
    const [second] = await claimGoals(db, 10)
    expect(await storeCheck(db, first!, { status: 'active' })).toBe(false)
    expect(await storeCheck(db, second!, { status: 'active' })).toBe(true)
    expect(await readGoals(db, local, 'up')).toMatchObject([{ status: 'active' }])
  })

  it('is not looked at while it is paused or given up, and belongs to its tenant', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    const goal = await putGoal(db)
    await steerGoal(db, local, 'up', 'pause')
    await hurry(db, 'goals')
    expect(await claimGoals(db, 10)).toEqual([])
    await steerGoal(db, local, 'up', 'resume')
    const [claimed] = await claimGoals(db, 10)
    expect(claimed?.goal_id).toBe(goal.goal_id)
    await storeCheck(db, claimed!, {
      status: 'blocked',
      why: 'enough',
      remedies: [{ execution_id: goal.execution_id!, at: at(0) }],
    })
    await hurry(db, 'goals')
    expect(await claimGoals(db, 10)).toEqual([])
    expect(await steerGoal(db, local, 'up', 'resume')).toMatchObject({ status: 'active', remedies: [], why: null })
    expect(await readGoals(db, { tenant: 'other', user: 'user' }, null)).toEqual([])
    await expect(steerGoal(db, { tenant: 'other', user: 'user' }, 'up', 'pause')).rejects.toMatchObject({
      code: 'not_found',
    })
  })
})

describe('a schedule that is due', () => {
  it('is moved on by one replica; the same again leaves it as it is', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    const wanted = {
      ...{
        tenant: 'local',
        user_name: 'user',
        name: 'tick',
        source_hash: 'x',
        request: WordsRequest.parse({ task: 'x' }),
      },
      ...{ cron: null, timezone: 'UTC', every_ms: 1_000, overlap: 'skip' as const, catch_up: 'last' as const },
      ...{ anchor: at(0), next_due_at: at(1_000) },
    }
    const put = await storeSchedule(db, { ...wanted, schedule_id: randomUUIDv7() })
    const again = await storeSchedule(db, { ...wanted, schedule_id: randomUUIDv7(), next_due_at: at(9_000) })
    expect(again.schedule_id).toBe(put.schedule_id)
    const claims = await Promise.all([claimSchedules(db, 10), claimSchedules(db, 10)])
    const [first] = claims.flat()
    expect(claims.flat()).toHaveLength(1)
    await hurry(db, 'schedules')
    const [second] = await claimSchedules(db, 10)
    const moved = { ...second!, next_due_at: at(2_000), next_check_at: at(2_000), fired: 1 }
    expect(await moveSchedule(db, first!, moved)).toBe(false)
    expect(await moveSchedule(db, second!, moved)).toBe(true)
    expect(await readSchedules(db, local, 'tick')).toMatchObject([{ fired: 1 }])
  })
})

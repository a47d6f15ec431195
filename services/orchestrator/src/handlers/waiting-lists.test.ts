// However much waits, a page of it costs the same: counted in the rows that PostgreSQL touches for it. WAITING sets how much.
import { randomUUID } from 'node:crypto'
import { listApprovals as approvalsContract } from '@deed/proto/approval'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Counting, counting } from '../../test/rows-touched.ts'
import { migrations } from '../store/migrations.ts'
import type { Schema } from '../store/schema.ts'
import { listApprovals } from './list-approvals.ts'

const WAITING = Number(process.env.WAITING ?? 1_000)
const PAGE = Math.max(20, WAITING / 200)
/** At each step of its plan: what is shown, and what that stands with (its execution, its plan, what it is about). */
const ROWS_FOR_ONE = 25

let db: TestDatabase<Schema>
let counted: Counting

beforeAll(async () => {
  db = await testDatabase<Schema>('orchestrator', migrations)
  counted = counting(db)
  await seed('local', WAITING)
  await seed('other', WAITING)
  // As PostgreSQL does by itself after a while: what it chooses then must be good as well.
  await db.pool.query('analyze')
}, 600_000)
afterAll(() => db[Symbol.asyncDispose]())

/** Of each: one that waits for agreement and one that waits for a person; and as many that are long over: every other approval, and the newer tasks. */
async function seed(tenant: string, count: number): Promise<void> {
  const prefix = randomUUID().slice(0, 8)
  const id = (kind: string): string => `('${prefix}-' || lpad(to_hex(n / 65536), 4, '0') || '-${kind}-8000-' ||
    lpad(to_hex(n), 12, '0'))::uuid`
  const statements = [
    `insert into executions (tenant, execution_id, user_name, request_hash, request, trace, status, followed_up)
     select '${tenant}', ${id('7000')}, 'user', '', jsonb_build_object('task', 'task ' || n), '', 'waiting', n > ${count}
       from generate_series(1, ${2 * count}) n`,
    `insert into plans (tenant, execution_id, number, plan, plan_hash, policy_version)
     select '${tenant}', ${id('7000')}, 1, '{"parts": [], "screen": {"steps": [], "point_of_no_return": null, "estimate": null}}', '', '1'
       from generate_series(1, ${2 * count}) n`,
    `insert into approvals (tenant, approval_id, execution_id, task_id, level, status, plan_hash, policy_version, actions,
       requested_by, expires_at, sealed, plan_number, asked_at)
     select '${tenant}', ${id('7001')}, ${id('7000')}, ${id('7002')}, 1, case when n % 2 = 0 then 'denied' else 'pending' end,
       '', '1', '[]', 'user', now() + interval '1 hour', '{}', 1, now()
       from generate_series(1, ${2 * count}) n`,
    ...['approve', 'review'].flatMap((kind, index) => [
      `insert into desired_state (tenant, task_id, execution_id, position, name, title, task_kind, capability, desired_status, spec,
         created_at)
       select '${tenant}', ${id(`700${2 + index}`)}, ${id('7000')}, ${index}, '${kind}', '${kind}', '${kind}', 'human', 'done',
         jsonb_build_object('about', ${id('7002')}, 'cause', 'stuck'), now() + n * interval '1 ms'
         from generate_series(1, ${2 * count}) n`,
      `insert into actual_state (tenant, task_id, execution_id, task_kind, actual_status, started_at)
       select '${tenant}', ${id(`700${2 + index}`)}, ${id('7000')}, '${kind}',
         case when n > ${count} then 'cancelled' else 'pending' end, now()
         from generate_series(1, ${2 * count}) n`,
    ]),
  ]
  for (const statement of statements) await db.pool.query(statement)
}

const scope = { principal: { tenant: 'local', user: 'user' } } as Parameters<ReturnType<typeof listApprovals>>[1]

/** All pages of a list, the rows touched for each of them bounded. */
async function walk(page: (cursor: string | undefined) => Promise<{ ids: string[]; next: string | null }>) {
  const seen: string[] = []
  for (let cursor: string | undefined, pages = 0; ; pages++) {
    const before = counted.touched()
    const { ids, next } = await page(cursor)
    const touched = counted.touched() - before
    expect(touched).toBeGreaterThan(0)
    expect(touched, `of page ${pages}`).toBeLessThanOrEqual((PAGE + 1) * ROWS_FOR_ONE)
    seen.push(...ids)
    if (next === null) break
    cursor = next
  }
  expect(new Set(seen).size).toBe(seen.length)
  return seen
}

describe(`${WAITING} that wait`, () => {
  const approvals = async (asked: object) => {
    const input = approvalsContract.input.parse({ limit: PAGE, ...asked })
    return approvalsContract.output.parse(await listApprovals({ db: counted.db })(input, scope))
  }
  it.each(['pending', 'denied'])('for agreement are listed page by page: %s', async (status) => {
    const seen = await walk(async (cursor) => {
      const page = await approvals({ kind: 'approve', status, cursor })
      return { ids: page.approvals.map(({ approval_id: id }) => id), next: page.next_cursor }
    })
    expect(seen).toHaveLength(WAITING)
    expect(seen).toEqual(seen.toSorted().toReversed())
  })

  it('for agreement are found by their execution, and by themselves', async () => {
    const { approvals: page } = await approvals({ kind: 'approve', status: 'pending' })
    const [{ approval_id, execution_id } = { approval_id: '', execution_id: '' }] = page
    for (const asked of [{ approval_id }, { execution_id }, { approval_id, execution_id, status: 'pending' }]) {
      expect((await approvals({ kind: 'approve', ...asked })).approvals).toMatchObject([{ approval_id }])
    }
  })

  it('for a person to look are listed page by page', async () => {
    const seen = await walk(async (cursor) => {
      const page = await approvals({ kind: 'review', tasks_cursor: cursor })
      return { ids: page.tasks.map(({ approval_id: id }) => id), next: page.next_tasks_cursor }
    })
    expect(seen).toHaveLength(2 * WAITING)
  })
})

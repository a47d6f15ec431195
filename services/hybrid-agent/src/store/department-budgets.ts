/** What the organization allocated to the user who asks: calls to models are paid from it, besides the other budgets. */
import type { Store } from '@deed/store/database'
import type { Budget } from './model-calls.ts'

/** The scope of such a budget, before the name. It lasts as long as its money, so it is not pruned. */
export const DEPARTMENT = 'department:'

/** No such schema, no such view, no right to it: there is no organization beside this service. */
const NOT_THERE = new Set(['3F000', '42P01', '42501'])

/** @returns none for a user without an allocation; one of 0 for a user who was given nothing */
export async function departmentBudgets(
  db: Pick<Store<unknown>, 'query'>,
  tenant: string,
  user: string | undefined,
): Promise<Budget[]> {
  if (user === undefined) return []
  const rows = await db
    .query<{ microusd: number }>(
      'hybrid_agent.department_budget',
      `select limit_microusd::float8 as microusd from organization.budgets where tenant = $1 and department = $2`,
      [tenant, user],
    )
    .catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && NOT_THERE.has(String(error.code))) return []
      throw error
    })
  return rows.map(({ microusd }) => ({ scope: `${DEPARTMENT}${user}`, microusd }))
}

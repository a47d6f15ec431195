/** Money: the constraint of the row decides whether there is enough, not a look beforehand. In whole cents. */
import { type Allocation, ORGANIZATION } from '@deed/proto/organization-work'
import type { PoolClient } from 'pg'
import type { Db } from './decisions.ts'

interface Row {
  readonly department: string
  readonly amount: number
  readonly allocated: number
}

const dollars = ({ department, amount, allocated }: Row): Allocation => ({
  department,
  amount: amount / 100,
  allocated: allocated / 100,
})

/** @param dollars with at most two decimal places */
const centsOf = (dollars: number): number => Math.round(dollars * 100)

/**
 * Takes it from what is not allocated. @param granted a person gives what is missing
 * @returns false if there is less
 */
export async function allocate(
  client: PoolClient,
  tenant: string,
  { department, amount, totalUsd, granted }: { department: string; amount: number; totalUsd: number; granted: boolean },
): Promise<boolean> {
  const cents = centsOf(amount)
  const base = centsOf(totalUsd)
  await client.query({
    name: 'open-organization',
    text: `insert into allocations (tenant, department, amount_cents) values ($1, $2, $3) on conflict do nothing`,
    values: [tenant, ORGANIZATION, base],
  })
  const { rowCount } = await client.query({
    name: 'take-allocation',
    text: `update allocations set updated_at = now(), allocated_cents = allocated_cents + $3,
             granted_cents = case when $5 then greatest(granted_cents, allocated_cents + $3 - $4) else granted_cents end,
             amount_cents = greatest(allocated_cents + $3, $4 + granted_cents)
           where tenant = $1 and department = $2 and ($5 or allocated_cents + $3 <= $4 + granted_cents)`,
    values: [tenant, ORGANIZATION, cents, base, granted],
  })
  if (rowCount === 0) return false
  await client.query({
    name: 'give-allocation',
    text: `insert into allocations (tenant, department, amount_cents) values ($1, $2, $3)
           on conflict (tenant, department) do update set updated_at = now(),
             amount_cents = allocations.amount_cents + excluded.amount_cents`,
    values: [tenant, department, cents],
  })
  return true
}

/** Dollars that nobody has. */
export async function unallocated(client: PoolClient, tenant: string, totalUsd: number): Promise<number> {
  const { rows } = await client.query<{ left: number }>({
    name: 'unallocated',
    text: `select ($3 + granted_cents - allocated_cents)::float8 as left from allocations
           where tenant = $1 and department = $2`,
    values: [tenant, ORGANIZATION, centsOf(totalUsd)],
  })
  return Math.max(0, rows[0]?.left ?? centsOf(totalUsd)) / 100
}

/** The organization first, then the departments by name. */
export async function readAllocations(
  db: Db,
  tenant: string,
  totalUsd: number,
): Promise<{ total: Allocation; departments: Allocation[] }> {
  const rows = await db.query<Row & { granted: number }>(
    'read-allocations',
    `select department, amount_cents::float8 as amount, allocated_cents::float8 as allocated,
            granted_cents::float8 as granted
     from allocations where tenant = $1 order by department`,
    [tenant],
  )
  const { allocated, granted } = rows.find(({ department }) => department === ORGANIZATION) ?? {
    allocated: 0,
    granted: 0,
  }
  return {
    total: dollars({ department: ORGANIZATION, amount: centsOf(totalUsd) + granted, allocated }),
    departments: rows.filter(({ department }) => department !== ORGANIZATION).map(dollars),
  }
}

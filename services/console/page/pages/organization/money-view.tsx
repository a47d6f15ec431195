/** What the organization has, and what each department may spend on models. */
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { useResource } from '../../app/resource.ts'
import { readQuery, urlOf } from '../../app/router.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Filters } from '../../components/filters.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { counted } from '../../text/times.ts'
import type { ViewProperties } from './query.ts'

type Allocation = Output<'organization.list-allocations'>['total']

/** Dollars with whole cents, as they are decided. */
const exact = (usd: number): string => usd.toLocaleString('en-US', { style: 'currency', currency: 'USD' })

const COLUMNS: readonly Column<Allocation>[] = [
  {
    name: 'department',
    title: 'Department',
    cell: ({ department }) => (
      <a href={urlOf('/executions', { user: department })}>
        <Line text={department} max={64} />
      </a>
    ),
  },
  { name: 'amount', title: 'May spend, in all', width: '144px', numeric: true, cell: ({ amount }) => exact(amount) },
]

export function MoneyView({ query }: ViewProperties) {
  const { faults } = readQuery(query, {})
  const money = useResource('allocations', (signal) => call('organization.list-allocations', {}, { signal }), {
    organization: true,
    everyMs: 30_000,
  })
  return (
    <>
      <Filters
        fields={[]}
        faults={faults}
        shown={money.value && `${counted(money.value.departments.length, 'department')} shown`}
      />
      <Loaded from={money} what="allocations">
        {({ total: { amount, allocated }, departments }) => (
          <>
            <section class="panel" aria-label="what the organization has">
              <p>
                <strong>{exact(Math.max(0, amount - allocated))}</strong> of {exact(amount)} are not allocated yet.
              </p>
              <p class="quiet">
                The policy says what there is (<code>total_usd</code> of <code>authority.yaml</code>); a person may give
                more. What was spent is at <a href="/models">models and money</a>.
              </p>
            </section>
            {departments.length === 0 ? (
              <Empty title="No department has an allocation">
                <p>
                  Then no role is limited by one, and the other budgets hold. The ceo allocates:{' '}
                  <a href="/organization?status=all&type=allocation">decisions about that</a>.
                </p>
              </Empty>
            ) : (
              <DataTable
                label="departments"
                columns={COLUMNS}
                rows={departments}
                keyOf={({ department }) => department}
                titleOf={({ department }) => department}
                hrefOf={({ department }) => urlOf('/executions', { user: department })}
              />
            )}
          </>
        )}
      </Loaded>
    </>
  )
}

/** What the organization has, and what each department may spend on models and has spent. */
import { call } from '../../app/call.ts'
import { useResource } from '../../app/resource.ts'
import { readQuery, urlOf } from '../../app/router.ts'
import { may } from '../../app/session.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Filters } from '../../components/filters.tsx'
import { Sign } from '../../components/sign.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { counted, dollars, percent } from '../../text/times.ts'
import { type Department, spentOf } from './departments.ts'
import type { ViewProperties } from './query.ts'

/** Dollars with whole cents, as they are decided. */
const exact = (usd: number): string => usd.toLocaleString('en-US', { style: 'currency', currency: 'USD' })

const COLUMNS: readonly Column<Department>[] = [
  {
    name: 'department',
    title: 'Department',
    cell: ({ department }) => (
      <a href={urlOf('/executions', { user: department })}>
        <Line text={department} max={64} />
      </a>
    ),
  },
  { name: 'amount', title: 'Allocated', width: '112px', numeric: true, cell: ({ amount }) => exact(amount) },
  { name: 'spent', title: 'Spent', width: '96px', numeric: true, wideOnly: true, cell: ({ spent }) => money(spent) },
  { name: 'left', title: 'Left', width: '96px', numeric: true, wideOnly: true, cell: ({ left }) => money(left) },
  { name: 'share', title: 'Used', width: '156px', wideOnly: true, cell: (one) => <Share of={one} /> },
]

const money = (usd: number | null): string => (usd === null ? 'not known' : dollars(usd))

function Share({ of: { department, share } }: { of: Department }) {
  if (share === null) return null
  return (
    <>
      <meter min={0} max={1} high={0.8} optimum={0} value={Math.min(1, share)} aria-label={`spent of ${department}`}>
        {percent(share)}
      </meter>{' '}
      {share >= 1 ? (
        <span class="text-bad">
          <Sign of="✕" /> used up
        </span>
      ) : (
        <span class="quiet">{percent(share)}</span>
      )}
    </>
  )
}

export function MoneyView({ query }: ViewProperties) {
  const { faults } = readQuery(query, {})
  const allocations = useResource(
    'allocations',
    async (signal) => {
      const [found, models] = await Promise.all([
        call('organization.list-allocations', {}, { signal }),
        may('model.stats') ? call('model.stats', { days: 1 }, { signal }) : undefined,
      ])
      return { ...found, departments: spentOf(found.departments, models?.departments) }
    },
    { organization: true, on: ({ type }) => type === 'execution.ended', everyMs: 30_000 },
  )
  return (
    <>
      <Filters
        fields={[]}
        faults={faults}
        shown={allocations.value && `${counted(allocations.value.departments.length, 'department')} shown`}
      />
      <Loaded from={allocations} what="allocations">
        {({ total: { amount, allocated }, departments }) => (
          <>
            <section class="panel" aria-label="what the organization has">
              <p>
                <strong>{exact(Math.max(0, amount - allocated))}</strong> of {exact(amount)} are not allocated yet.
              </p>
              <p class="quiet">
                The policy says what there is (<code>total_usd</code> of <code>authority.yaml</code>); a person may give
                more. A department is charged for the models that its executions ask; all that was spent is at{' '}
                <a href="/models">models and money</a>.
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
                second={({ spent, share }) => (
                  <span class={share !== null && share >= 1 ? 'text-bad' : ''}>
                    {money(spent)} spent{share !== null && `, ${percent(share)}`}
                  </span>
                )}
              />
            )}
          </>
        )}
      </Loaded>
    </>
  )
}

/** Decisions, newest first: those that are open, with their votes and whom they wait for; and all others by a filter. */
import { call } from '../../app/call.ts'
import { oneOf, place, readQuery, urlOf, uuid } from '../../app/router.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Filters } from '../../components/filters.tsx'
import { usePages } from '../../components/pages.ts'
import { Split } from '../../components/split.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { statusWords } from '../../text/status-words.ts'
import { counted } from '../../text/times.ts'
import { DecisionDetail } from './decision-detail.tsx'
import { asksPerson, waitsFor } from './decision-words.ts'
import { type Decision, optionsOf, STATUSES, TYPES, type ViewProperties, wordsOf } from './query.ts'

const PAGE = 50
const WHICH = ['all', ...STATUSES] as const

const FIELDS = [
  {
    name: 'status',
    title: 'Which',
    none: 'those that are open',
    options: [{ value: 'all', title: 'all' }, ...STATUSES.map((value) => ({ value, title: statusWords(value).word }))],
  },
  { name: 'type', title: 'About', options: optionsOf(TYPES) },
]

const hrefOf = ({ decision_id: decision }: Decision): string =>
  urlOf('/organization', { ...place.value.query, decision })

const COLUMNS: readonly Column<Decision>[] = [
  { name: 'status', title: 'Status', width: '140px', wideOnly: true, cell: ({ status }) => <Status status={status} /> },
  {
    name: 'name',
    title: 'What is decided',
    cell: (decision) => (
      <>
        <a href={hrefOf(decision)}>
          {wordsOf(decision.type)}: <Line text={decision.subject.name} max={128} />
        </a>{' '}
        <span class="quiet">
          · <Line text={decision.rationale} max={160} />
        </span>
      </>
    ),
  },
  { name: 'by', title: 'Proposed by', width: '108px', wideOnly: true, cell: ({ proposed_by: by }) => wordsOf(by) },
  { name: 'waits', title: 'Waits for', width: '112px', wideOnly: true, cell: waitsFor },
  {
    name: 'at',
    title: 'Proposed',
    width: '96px',
    wideOnly: true,
    cell: ({ proposed_at: at }) => <Time at={at} />,
  },
]

export function DecisionsView({ query }: ViewProperties) {
  const { values, faults } = readQuery(query, { status: oneOf(WHICH), type: oneOf(TYPES), decision: uuid })
  const { status, type } = values
  const list = usePages(
    `decisions ${status} ${type}`,
    async (cursor: Decision['decision_id'] | null, signal) => {
      const page = await call(
        'organization.list-decisions',
        {
          limit: PAGE,
          open: status === undefined,
          ...(status === undefined || status === 'all' ? {} : { status }),
          ...(type === undefined ? {} : { type }),
          ...(cursor === null ? {} : { cursor }),
        },
        { signal },
      )
      return { rows: page.decisions, next: page.next_cursor }
    },
    { organization: true, everyMs: 30_000 },
  )
  const rows = list.value?.rows ?? []
  const forPeople = rows.filter(asksPerson).length
  return (
    <>
      <Filters
        fields={FIELDS}
        faults={faults}
        shown={list.value && `${counted(rows.length, 'decision')}${list.value.next === null ? '' : '+'} shown`}
      />
      <Loaded from={list} what="decisions">
        {() => (
          <>
            {forPeople > 0 && (
              <p class="note wait">
                <span aria-hidden="true">? </span>
                {counted(forPeople, 'decision')} {forPeople === 1 ? 'waits' : 'wait'} for a person:{' '}
                <a href="/inbox?kind=provide">answer in the inbox</a>
              </p>
            )}
            <Split
              by="decision"
              title="Decision"
              detail={values.decision && <DecisionDetail key={values.decision} id={values.decision} />}
              list={
                rows.length === 0 ? (
                  <NoDecisions open={status === undefined} filtered={type !== undefined} />
                ) : (
                  <DataTable
                    label="decisions"
                    columns={COLUMNS}
                    rows={rows}
                    keyOf={({ decision_id: id }) => id}
                    titleOf={({ subject }) => subject.name}
                    hrefOf={hrefOf}
                    current={values.decision}
                    second={(decision) => (
                      <>
                        <Status status={decision.status} /> {waitsFor(decision)}
                      </>
                    )}
                    onMore={list.more}
                  />
                )
              }
            />
          </>
        )}
      </Loaded>
    </>
  )
}

function NoDecisions({ open, filtered }: { open: boolean; filtered: boolean }) {
  return (
    <Empty title={open && !filtered ? 'Nothing is open' : 'No decision matches these filters'}>
      <p>
        {open || filtered ? <a href="/organization?status=all">Show all decisions</a> : null} Decisions are proposed by
        programs that act in a role: <code>deed mcp install --client … --role ceo</code> connects one.
      </p>
    </Empty>
  )
}

/** The roles: when each spoke last, what waits for it, and what it may decide. */
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { useResource } from '../../app/resource.ts'
import { oneOf, place, readQuery, urlOf } from '../../app/router.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Filters } from '../../components/filters.tsx'
import { CommandLine } from '../../components/id.tsx'
import { Split } from '../../components/split.tsx'
import { Loaded } from '../../components/states.tsx'
import { Time } from '../../components/time.tsx'
import { count } from '../../text/times.ts'
import { conditionsOf, howDecided, mandatesOf } from './mandate-words.ts'
import { ROLES, type Role, type Rule, type ViewProperties, wordsOf } from './query.ts'

type Status = Output<'organization.list-roles'>['roles'][number]

const hrefOf = ({ role }: Status): string => urlOf('/organization', { ...place.value.query, role })

const number = (name: 'votes_due' | 'unread_messages' | 'proposed' | 'votes_cast', title: string, width: string) => ({
  ...{ name, title, width, numeric: true, wideOnly: true },
  cell: (status: Status) => count(status[name]),
})

const COLUMNS: readonly Column<Status>[] = [
  { name: 'role', title: 'Role', cell: (status) => <a href={hrefOf(status)}>{wordsOf(status.role)}</a> },
  number('votes_due', 'Votes due', '92px'),
  number('unread_messages', 'Unread', '80px'),
  number('proposed', 'Proposed', '88px'),
  number('votes_cast', 'Voted', '72px'),
  { name: 'seen', title: 'Last seen', width: '104px', wideOnly: true, cell: (status) => <LastSeen status={status} /> },
]

export function RolesView({ query }: ViewProperties) {
  const { values, faults } = readQuery(query, { role: oneOf(ROLES) })
  const roles = useResource(
    'roles',
    async (signal) => {
      const [found, mandates] = await Promise.all([
        call('organization.list-roles', {}, { signal }),
        call('organization.list-mandates', {}, { signal }),
      ])
      return { ...found, ...mandates }
    },
    { organization: true, everyMs: 30_000 },
  )
  return (
    <>
      <Filters
        fields={[]}
        faults={faults}
        shown={roles.value && `policy ${roles.value.authority_version}, ${roles.value.rules.length} types of decision`}
      />
      <Loaded from={roles} what="roles">
        {(value) => {
          const chosen = value.roles.find(({ role }) => role === values.role)
          return (
            <Split
              by="role"
              title={chosen === undefined ? '' : wordsOf(chosen.role)}
              detail={chosen && <RoleDetail status={chosen} rules={value.rules} />}
              list={
                <DataTable
                  label="roles"
                  columns={COLUMNS}
                  rows={value.roles}
                  keyOf={({ role }) => role}
                  titleOf={({ role }) => wordsOf(role)}
                  hrefOf={hrefOf}
                  current={values.role}
                  second={(status) => (
                    <>
                      {status.votes_due} votes due <LastSeen status={status} />
                    </>
                  )}
                />
              }
            />
          )
        }}
      </Loaded>
    </>
  )
}

function LastSeen({ status: { last_seen: at } }: { status: Status }) {
  return at === null ? <span class="quiet">never</span> : <Time at={at} />
}

function RoleDetail({ status, rules }: { status: Status; rules: readonly Rule[] }) {
  const { role } = status
  const { proposes, votesOn, decides } = mandatesOf(rules, role)
  return (
    <>
      <p>
        Voted {count(status.votes_cast)} times, {count(status.votes_against)} of them against what was proposed.
      </p>
      <p class="row">
        <a href={urlOf('/organization', { view: 'messages', role })}>messages</a>
        <a href={urlOf('/organization', { view: 'memories', by: role })}>memories</a>
        <a href={urlOf('/executions', { user: role })}>executions</a>
      </p>
      <h3>{proposes.length === 0 ? 'It may propose no decision' : 'May propose'}</h3>
      <RuleList rules={proposes} proposer={role} />
      {votesOn.length > 0 && (
        <>
          <h3>Votes on</h3>
          <RuleList rules={votesOn} />
        </>
      )}
      {decides.length > 0 && (
        <>
          <h3>Decides, where a proposer asks for it</h3>
          <ul>
            {decides.map(({ type }) => (
              <li key={type}>{wordsOf(type)}</li>
            ))}
          </ul>
        </>
      )}
      <CommandLine command={`mcp install --client claude-desktop --role ${role}`} />
    </>
  )
}

/** @param proposer who has no vote on what it proposes */
export function RuleList({ rules, proposer }: { rules: readonly Rule[]; proposer?: Role }) {
  return (
    <ul class="stack">
      {rules.map((rule) => (
        <li key={rule.type}>
          <strong>{wordsOf(rule.type)}</strong> {howDecided(rule, proposer)}
          {conditionsOf(rule).map((condition) => (
            <span key={condition} class="quiet">
              ; {condition}
            </span>
          ))}
          {rule.changed_by !== null && (
            <>
              {' '}
              <a href={urlOf('/organization', { status: 'all', decision: rule.changed_by })}>changed by a mandate</a>{' '}
              {rule.changed_at !== null && <Time at={rule.changed_at} />}
            </>
          )}
        </li>
      ))}
    </ul>
  )
}

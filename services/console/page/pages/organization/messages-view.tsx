/** What the roles write to each other, and a thread of it beside. To look on marks nothing as read. */
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { useResource } from '../../app/resource.ts'
import { oneOf, place, readQuery, urlOf, uuid } from '../../app/router.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Filters } from '../../components/filters.tsx'
import { usePages } from '../../components/pages.ts'
import { Split } from '../../components/split.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Line, Text } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { counted } from '../../text/times.ts'
import { optionsOf, ROLES, type ViewProperties, wordsOf } from './query.ts'

type Message = Output<'organization.list-messages'>['messages'][number]

const THREAD_MAX = 100

const hrefOf = ({ thread_id: thread }: Message): string => urlOf('/organization', { ...place.value.query, thread })

const COLUMNS: readonly Column<Message>[] = [
  {
    name: 'subject',
    title: 'Message',
    cell: (message) => (
      <>
        <a href={hrefOf(message)}>
          <Line text={message.subject} max={160} />
        </a>{' '}
        <span class="quiet">
          · <Line text={message.content} max={160} />
        </span>
      </>
    ),
  },
  { name: 'from', title: 'From', width: '132px', wideOnly: true, cell: ({ from }) => wordsOf(from) },
  { name: 'to', title: 'To', width: '132px', wideOnly: true, cell: ({ to }) => wordsOf(to) },
  { name: 'type', title: 'Type', width: '104px', wideOnly: true, cell: ({ type }) => type },
  { name: 'unread', title: 'Unread', width: '80px', wideOnly: true, cell: ({ unread_by: by }) => unreadText(by) },
  { name: 'at', title: 'Written', width: '96px', wideOnly: true, cell: ({ at }) => <Time at={at} /> },
]

const unreadText = (by: readonly string[]): string => (by.length === 0 ? '' : `by ${by.length}`)

export function MessagesView({ query }: ViewProperties) {
  const { values, faults } = readQuery(query, { role: oneOf(ROLES), thread: uuid })
  const { role, thread } = values
  const list = usePages(
    `messages ${role}`,
    async (cursor: Message['message_id'] | null, signal) => {
      const input = { ...(role === undefined ? {} : { role }), ...(cursor === null ? {} : { cursor }) }
      const page = await call('organization.list-messages', input, { signal })
      return { rows: page.messages, next: page.next_cursor }
    },
    { organization: true, everyMs: 60_000 },
  )
  const rows = list.value?.rows ?? []
  return (
    <>
      <Filters
        fields={[{ name: 'role', title: 'Role', options: optionsOf(ROLES) }]}
        faults={faults}
        shown={list.value && `${counted(rows.length, 'message')}${list.value.next === null ? '' : '+'} shown`}
      />
      <Loaded from={list} what="messages">
        {() => (
          <Split
            by="thread"
            title="Thread"
            detail={thread && <Thread key={thread} id={thread} />}
            list={
              rows.length === 0 ? (
                <Empty title={role === undefined ? 'No role has written yet' : `${wordsOf(role)} has no messages`}>
                  <p>
                    {role !== undefined && <a href="/organization?view=messages">Show those of all roles</a>} Messages
                    are kept for 30 days.
                  </p>
                </Empty>
              ) : (
                <DataTable
                  label="messages"
                  columns={COLUMNS}
                  rows={rows}
                  keyOf={({ message_id: id }) => id}
                  titleOf={({ subject }) => subject.slice(0, 80)}
                  hrefOf={hrefOf}
                  second={({ from, to, at }) => (
                    <>
                      {wordsOf(from)} to {wordsOf(to)} <Time at={at} />
                    </>
                  )}
                  onMore={list.more}
                />
              )
            }
          />
        )}
      </Loaded>
    </>
  )
}

function Thread({ id }: { id: string }) {
  const thread = useResource(
    `thread ${id}`,
    (signal) => call('organization.list-messages', { thread_id: id, limit: THREAD_MAX }, { signal }),
    { organization: true },
  )
  return (
    <Loaded from={thread} what="the thread">
      {({ messages }) =>
        messages.length === 0 ? (
          <Empty title="There is no such thread">
            <p>Messages are kept for 30 days.</p>
          </Empty>
        ) : (
          <ul class="stack">
            {messages.toReversed().map(({ message_id: one, from, to, subject, content, at, unread_by: by }) => (
              <li key={one}>
                <strong>{wordsOf(from)}</strong> to {wordsOf(to)}{' '}
                <span class="quiet">
                  <Time at={at} />
                  {by.length > 0 && `, not read by ${by.map(wordsOf).join(', ')}`}
                </span>
                <p>
                  <Line text={subject} max={512} />
                </p>
                <Text text={content} max={2_000} />
              </li>
            ))}
          </ul>
        )
      }
    </Loaded>
  )
}

/** All that waits for people: approvals, questions, reviews and tasks. */

import { useState } from 'preact/hooks'
import { useKeys } from '../../app/keys.ts'
import { oneOf, place, readQuery } from '../../app/router.ts'
import { may, refusal, session } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Filters } from '../../components/filters.tsx'
import { CommandLine } from '../../components/id.tsx'
import { Level } from '../../components/level.tsx'
import { Sign } from '../../components/sign.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { count } from '../../text/times.ts'
import { BatchDialog } from './batch-dialog.tsx'
import { type Item, KIND_WORDS, KINDS, type Kind } from './items.ts'
import { useInbox } from './use-inbox.ts'
import { WaitingView } from './waiting-view.tsx'

const LEVELS = ['1', '2', '3'] as const

const FIELDS = [
  { name: 'kind', title: 'Kind', options: KINDS.map((value) => ({ value, title: KIND_WORDS[value].one })) },
  { name: 'level', title: 'Level', options: LEVELS.map((value) => ({ value, title: `level ${value}` })) },
]

const COLUMNS: readonly Column<Item>[] = [
  { name: 'kind', title: 'Kind', width: '112px', wideOnly: true, cell: ({ kind }) => <KindWord kind={kind} /> },
  { name: 'level', title: 'Level', width: '88px', wideOnly: true, cell: ({ level }) => <Level level={level} /> },
  {
    name: 'title',
    title: 'What is asked',
    cell: ({ id, title, task }) => (
      <>
        <a href={`/inbox/${id}`}>
          <Line text={title} max={200} />
        </a>{' '}
        {task !== title && (
          <span class="quiet">
            · <Line text={task} max={120} />
          </span>
        )}
      </>
    ),
  },
  { name: 'by', title: 'By', width: '104px', wideOnly: true, cell: ({ by }) => <Line text={by} max={64} /> },
  { name: 'asked', title: 'Asked', width: '96px', wideOnly: true, cell: ({ askedAt }) => <Time at={askedAt} /> },
  {
    name: 'expires',
    title: 'Expires',
    width: '96px',
    wideOnly: true,
    cell: ({ expiresAt }) => expiresAt !== null && <Time at={expiresAt} />,
  },
]

export default function Inbox({ id }: Record<string, string>) {
  if (!may('approval.list')) return <NotAllowed />
  return id === undefined ? <InboxList /> : <WaitingView key={id} id={id} />
}

function NotAllowed() {
  return (
    <div class="page">
      <header>
        <h1>Inbox</h1>
      </header>
      <Empty title={`Your role, ${session.value?.role ?? 'none'}, does not decide what waits for people`}>
        <p>
          Sign in as an approver: <code>deed console --role approver</code> prints a link. What your own executions wait
          for is on <a href="/executions?status=waiting">their pages</a>.
        </p>
      </Empty>
    </div>
  )
}

function InboxList() {
  const inbox = useInbox()
  const { values, faults } = readQuery(place.value.query, { kind: oneOf(KINDS), level: oneOf(LEVELS) })
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [decision, setDecision] = useState<'approve' | 'deny'>()
  const all = inbox.value?.items ?? []
  const items = all.filter(
    ({ kind, level }) =>
      (values.kind === undefined || kind === values.kind) &&
      (values.level === undefined || level === Number(values.level)),
  )
  const chosen = items.filter(({ id }) => selected.has(id))
  const whyNot =
    refusal('approval.decide-many') ??
    (chosen.length === 0 ? 'Select approvals first: the box of a row, or x.' : undefined)
  const decide = (wanted: 'approve' | 'deny'): void => {
    if (whyNot === undefined) setDecision(wanted)
  }
  useKeys('Inbox', [
    { key: 'a', does: 'approve the selected ones, after a preview', run: () => decide('approve') },
    { key: 'd', does: 'deny the selected ones, after a preview', run: () => decide('deny') },
  ])
  return (
    <div class="page">
      <header>
        <h1>Inbox</h1>
        <div class="bulk" role="toolbar" aria-label="verbs for the selected approvals">
          <Button reason={whyNot} kind="primary" onClick={() => decide('approve')}>
            Approve…
          </Button>
          <Button reason={whyNot} kind="danger" onClick={() => decide('deny')}>
            Deny…
          </Button>
          <span class="quiet" role="status">
            {chosen.length > 0 && `${count(chosen.length)} selected`}
          </span>
        </div>
      </header>
      <Filters
        fields={FIELDS}
        faults={faults}
        shown={inbox.value && `${count(items.length)} of ${count(all.length)}${inbox.value.more ? '+' : ''} shown`}
      />
      <Loaded from={inbox} what="what waits for people">
        {() =>
          items.length === 0 ? (
            <NothingWaits filtered={all.length > 0} />
          ) : (
            <DataTable
              label="what waits for people"
              columns={COLUMNS}
              rows={items}
              keyOf={({ id }) => id}
              titleOf={({ title }) => title}
              hrefOf={({ id }) => `/inbox/${id}`}
              second={(item) => (
                <>
                  <KindWord kind={item.kind} /> <Level level={item.level} /> <Time at={item.askedAt} />
                </>
              )}
              selection={{ keys: selected, change: setSelected }}
            />
          )
        }
      </Loaded>
      {decision !== undefined && (
        <BatchDialog
          decision={decision}
          items={chosen}
          onClose={() => {
            setDecision(undefined)
            setSelected(new Set())
            inbox.reload()
          }}
        />
      )}
    </div>
  )
}

function NothingWaits({ filtered }: { filtered: boolean }) {
  return filtered ? (
    <Empty title="Nothing of this kind waits">
      <p>
        <a href="/inbox">Show all that waits</a>
      </p>
    </Empty>
  ) : (
    <Empty title="Nothing waits for a person">
      <p>What needs one appears here by itself, and in the title of this tab. The command line lists the same:</p>
      <CommandLine command="get approvals --status pending" />
    </Empty>
  )
}

function KindWord({ kind }: { kind: Kind }) {
  const { one, sign } = KIND_WORDS[kind]
  return (
    <span class={`status ${kind === 'review' ? 'bad' : 'wait'}`}>
      <Sign of={sign} />
      {one}
    </span>
  )
}

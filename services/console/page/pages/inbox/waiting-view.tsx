/** One thing that waits for a person: an approval, a question, a review or a task. */
import { useKeys } from '../../app/keys.ts'
import { go, place } from '../../app/router.ts'
import { Id } from '../../components/id.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { ApprovalView } from './approval-view.tsx'
import { KIND_WORDS, neighbours } from './items.ts'
import { PersonView } from './person-view.tsx'
import { QuestionView } from './question-view.tsx'
import { useInbox, useWaiting, type Waiting } from './use-inbox.ts'

export function WaitingView({ id }: { id: string }) {
  const inbox = useInbox()
  const waiting = useWaiting(id, place.value.query.steps === 'all')
  const items = inbox.value?.items ?? []
  const { before, after } = neighbours(items, id)
  const open = (to: string | undefined): void => {
    if (to !== undefined) go(`/inbox/${to}`)
  }
  useKeys('The inbox', [
    { key: 'j', does: 'the next one', run: () => open(after) },
    { key: 'k', does: 'the one before', run: () => open(before) },
  ])
  const position = items.findIndex((item) => item.id === id)
  return (
    <div class="page flow">
      <header>
        <h1>
          <a href="/inbox">Inbox</a> <span class="quiet">/</span> {kindOf(waiting.value)}
        </h1>
        <Id id={id} />
        <span class="space" />
        {position >= 0 && (
          <span class="quiet">
            {position + 1} of {items.length}
          </span>
        )}
        {before !== undefined && (
          <a class="button" href={`/inbox/${before}`}>
            <kbd>k</kbd> Before
          </a>
        )}
        {after !== undefined && (
          <a class="button" href={`/inbox/${after}`}>
            Next <kbd>j</kbd>
          </a>
        )}
      </header>
      <Loaded from={waiting} what="what is asked">
        {({ approval, task, instead }) =>
          approval ? (
            <ApprovalView approval={approval} instead={instead} next={after} onDecided={waiting.reload} />
          ) : task?.question && task.status === 'pending' ? (
            <QuestionView task={task} question={task.question} onDecided={waiting.reload} />
          ) : task ? (
            <PersonView task={task} onDecided={waiting.reload} />
          ) : (
            <Empty title="Nothing with this id waits, and nothing did">
              <p>
                It may belong to another tenant, or was answered and is kept no longer.{' '}
                <a href="/inbox">All that waits</a>
              </p>
            </Empty>
          )
        }
      </Loaded>
    </div>
  )
}

function kindOf(value: Waiting | undefined): string {
  const kind = value?.approval ? 'approve' : value?.task?.kind
  return kind === undefined ? '…' : KIND_WORDS[kind].one
}

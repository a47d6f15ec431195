/** Several approvals decided at once: first which of them, then a result for each. */

import { useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { Confirm, Dialog } from '../../components/dialog.tsx'
import { ReasonField } from '../../components/reason-field.tsx'
import { Sign } from '../../components/sign.tsx'
import { ErrorBlock } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Line } from '../../components/text.tsx'
import { counted } from '../../text/times.ts'
import { batchOf, type Item } from './items.ts'

const WORDS = { approve: ['Approve', 'approves'], deny: ['Deny', 'denies'] } as const

export function BatchDialog({
  decision,
  items,
  onClose,
}: {
  decision: 'approve' | 'deny'
  items: readonly Item[]
  onClose: () => void
}) {
  // What was shown is what is decided, whatever arrives meanwhile.
  const [batch] = useState(() => batchOf(items, Date.now()))
  const [reason, setReason] = useState('')
  const [results, setResults] = useState<Output<'approval.decide-many'>['results']>()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const [verb, does] = WORDS[decision]
  const { can, cannot } = batch
  if (results) return <Results decision={decision} results={results} items={items} onClose={onClose} />
  const run = async (): Promise<void> => {
    if (busy || can.length === 0) return
    setBusy(true)
    setError(undefined)
    try {
      const answer = await call('approval.decide-many', {
        approvals: can.map(({ id, planHash }) => ({ approval_id: id, plan_hash: planHash })),
        decision,
        ...(reason === '' ? {} : { reason }),
      })
      setResults(answer.results)
    } catch (cause) {
      setError(cause as Error)
      setBusy(false)
    }
  }
  const whyNot = busy
    ? 'It is being done.'
    : can.length === 0
      ? 'None of these is decided together with others.'
      : undefined
  return (
    <Confirm
      title={`${verb} ${counted(items.length, 'selected item')}`}
      verb={`${verb} ${can.length}`}
      danger={decision === 'deny'}
      reason={whyNot}
      onConfirm={() => void run()}
      onClose={onClose}
    >
      <p>
        <strong>
          This {does} {can.length}
          {cannot.length > 0 && `, cannot ${cannot.length}`}.
        </strong>
      </p>
      <ul class="dialog-list batch">
        {cannot.map(({ id, title, why }) => (
          <li key={id}>
            <a href={`/inbox/${id}`} onClick={onClose}>
              <Line text={title} max={160} />
            </a>
            <span class="text-bad">
              <Sign of="✕" /> {why}
            </span>
          </li>
        ))}
        {can.map(({ id, title, planHash }) => (
          <li key={id}>
            <Line text={title} max={400} />
            <code class="quiet">{planHash.slice(0, 12)}</code>
          </li>
        ))}
      </ul>
      <ReasonField value={reason} onChange={setReason} />
      {error && <ErrorBlock error={error} />}
    </Confirm>
  )
}

function Results({
  decision,
  results,
  items,
  onClose,
}: {
  decision: 'approve' | 'deny'
  results: Output<'approval.decide-many'>['results']
  items: readonly Item[]
  onClose: () => void
}) {
  const refused = results.filter(({ error }) => error).length
  const done = decision === 'approve' ? 'approved' : 'denied'
  return (
    <Dialog title={`${results.length - refused} ${done}, ${refused} refused`} onClose={onClose}>
      <div class="dialog-pad">
        <ul class="dialog-list batch">
          {results.map(({ approval_id: id, execution_id: execution, status, error }) => (
            <li key={id}>
              <a href={execution ? `/executions/${execution}` : `/inbox/${id}`}>
                <Line text={items.find((item) => item.id === id)?.title ?? id} max={160} />
              </a>
              {error ? (
                <span class="text-bad">
                  <Sign of="✕" /> <Line text={error.message} />
                </span>
              ) : (
                <Status status={status ?? done} />
              )}
            </li>
          ))}
        </ul>
        <footer>
          <button type="button" class="primary" onClick={onClose}>
            Close
          </button>
        </footer>
      </div>
    </Dialog>
  )
}

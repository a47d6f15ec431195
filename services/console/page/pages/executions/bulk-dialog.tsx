/** A verb for the selected executions: what it would do first, then a result for each. */

import { useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { useResource } from '../../app/resource.ts'
import { Confirm, Dialog } from '../../components/dialog.tsx'
import { Id } from '../../components/id.tsx'
import { ReasonField } from '../../components/reason-field.tsx'
import { Sign } from '../../components/sign.tsx'
import { ErrorBlock, Loading } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Line } from '../../components/text.tsx'
import { counted } from '../../text/times.ts'
import { previewOf, VERBS, type Verb } from './bulk.ts'

type Results = Output<'execution.steer'>['results']

/** @param taskOf the words of an execution */
export function BulkDialog({
  verb,
  ids,
  taskOf,
  onClose,
}: {
  verb: Verb
  ids: readonly string[]
  taskOf: (id: string) => string
  onClose: () => void
}) {
  const [reason, setReason] = useState('')
  const [undo, setUndo] = useState(false)
  const [results, setResults] = useState<Results>()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const { value, error: previewError } = useResource('bulk preview', (signal) =>
    call('execution.steer', { verb, execution_ids: [...ids], dry_run: true }, { signal }),
  )
  const { title, does, danger = false } = VERBS.find((one) => one.verb === verb) ?? { title: verb, does: verb }
  if (results) {
    const refused = results.filter((result) => result.error).length
    return (
      <Dialog
        title={`${title}: ${counted(results.length - refused, 'execution')} done, ${refused} refused`}
        onClose={onClose}
      >
        <ul class="dialog-list bulk-list">
          {results.map(({ execution_id: id, status, error: refusal, approval_id: approval }) => (
            <li key={id}>
              <Id id={id} href={`/executions/${id}`} /> <Line text={taskOf(id)} max={80} />
              <span class="bulk-outcome">
                {refusal ? (
                  <span class="text-bad">
                    <Sign of="✕" /> <Line text={refusal.message} />
                  </span>
                ) : (
                  status && <Status status={status} />
                )}
                {approval && <a href={`/inbox/${approval}`}>waits for an approval</a>}
              </span>
            </li>
          ))}
        </ul>
      </Dialog>
    )
  }
  const preview = value && previewOf(verb, value.results)
  const run = async (): Promise<void> => {
    if (!preview || busy) return
    setBusy(true)
    setError(undefined)
    try {
      const answer = await call('execution.steer', {
        verb,
        execution_ids: preview.can.map(({ id }) => id),
        ...(verb === 'cancel' ? { undo } : {}),
        ...(reason === '' ? {} : { reason }),
      })
      setResults(answer.results)
    } catch (cause) {
      setError(cause as Error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Confirm
      title={`${title} ${counted(ids.length, 'execution')}`}
      verb={preview ? `${title} ${preview.can.length}` : title}
      danger={danger}
      reason={
        busy
          ? 'It is being done.'
          : preview && preview.can.length > 0
            ? undefined
            : preview
              ? 'It applies to none of these.'
              : 'The preview is being read.'
      }
      onConfirm={() => void run()}
      onClose={onClose}
    >
      {previewError && <ErrorBlock error={previewError} />}
      {!preview && !previewError && <Loading what="the preview" />}
      {preview && (
        <>
          <p>
            <strong>
              {does} {preview.can.length}
              {preview.cannot.length > 0 && `, cannot ${preview.cannot.length}`}.
            </strong>
          </p>
          <ul class="dialog-list bulk-list">
            {preview.cannot.map(({ id, why }) => (
              <li key={id}>
                <Id id={id} /> <Line text={taskOf(id)} max={80} />
                <span class="bulk-outcome text-bad">
                  <Sign of="✕" /> <Line text={why} />
                </span>
              </li>
            ))}
            {preview.can.map(({ id, note }) => (
              <li key={id}>
                <Id id={id} /> <Line text={taskOf(id)} max={80} />
                {note && <span class="bulk-outcome text-wait">{note}</span>}
              </li>
            ))}
          </ul>
        </>
      )}
      {verb === 'cancel' && (
        <label class="check">
          <input type="checkbox" checked={undo} onChange={(event) => setUndo(event.currentTarget.checked)} />
          <span>Undo what they did already</span>
        </label>
      )}
      <ReasonField value={reason} onChange={setReason} />
      {error && <ErrorBlock error={error} />}
    </Confirm>
  )
}

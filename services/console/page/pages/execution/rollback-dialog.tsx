/** Undoing: what it would do is read first, and shown; only then it can be confirmed. */

import type { UndoStep } from '@deed/proto/steering'
import { useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import type { Input, Output } from '../../app/contracts.ts'
import { useResource } from '../../app/resource.ts'
import { Confirm } from '../../components/dialog.tsx'
import { CommandLine } from '../../components/id.tsx'
import { ReasonField } from '../../components/reason-field.tsx'
import { Sign } from '../../components/sign.tsx'
import { Loaded } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { toast } from '../../components/toast.tsx'
import { counted } from '../../text/times.ts'

type Scope = Pick<Input<'execution.rollback'>, 'execution_id' | 'action_id'>

const SHOWN_MAX = 100

const OUTLOOKS: Readonly<Record<UndoStep['outlook'], { sign: string; class: string; words: string }>> = {
  undo: { sign: '↶', class: 'text-good', words: 'will be undone' },
  nothing: { sign: '–', class: 'quiet', words: 'nothing is left to undo' },
  cannot: { sign: '✕', class: 'text-bad', words: 'cannot be undone' },
}

export function RollbackDialog({
  scope,
  command,
  title,
  onClose,
}: {
  scope: Scope
  command: string
  title: string
  onClose: () => void
}) {
  const [reason, setReason] = useState('')
  const [dependents, setDependents] = useState(false)
  const [goals, setGoals] = useState(false)
  const [pending, setPending] = useState(false)
  const single = scope.action_id !== undefined
  const input = { ...scope, ...(single ? { with_dependents: dependents } : {}) }
  const preview = useResource(`rollback ${JSON.stringify(input)}`, (signal) =>
    call('execution.rollback', { ...input, dry_run: true }, { signal }),
  )
  const shown = preview.error ? undefined : preview.value
  const undone = shown?.steps.filter(({ outlook }) => outlook === 'undo').length ?? 0
  const confirm = async (): Promise<void> => {
    setPending(true)
    try {
      const why = reason.trim() === '' ? {} : { reason: reason.trim() }
      const answer = await call('execution.rollback', { ...input, ...why, ...(goals ? { pause_goals: true } : {}) })
      toast(
        answer.approval_id === null
          ? `The rollback has begun: ${counted(undone, 'task')} to undo.`
          : `The rollback waits for an approval of level ${answer.level}: see the inbox.`,
      )
      onClose()
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), { bad: true })
      setPending(false)
    }
  }
  return (
    <Confirm
      title={title}
      verb={shown ? `Undo ${counted(undone, 'task')}` : 'Undo'}
      danger
      reason={reasonAgainst(shown, undone, pending)}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      <p>
        The tasks below are undone, newest effect first, and each is observed to be undone. Nothing has happened yet.
      </p>
      <Loaded from={preview} what="what a rollback would do">
        {({ steps, level }) => (
          <>
            <ul class="dialog-list undo-steps">
              {steps.slice(0, SHOWN_MAX).map((step) => (
                <Step key={step.action_id} step={step} />
              ))}
              {steps.length > SHOWN_MAX && <li class="quiet">and {steps.length - SHOWN_MAX} more</li>}
            </ul>
            {level > 0 && (
              <p class="note wait">It is of level {level}: somebody must approve it before anything is undone.</p>
            )}
          </>
        )}
      </Loaded>
      {single && (
        <label class="check">
          <input type="checkbox" checked={dependents} onChange={() => setDependents(!dependents)} />
          <span>also undo the tasks that depend on it</span>
        </label>
      )}
      <label class="check">
        <input type="checkbox" checked={goals} onChange={() => setGoals(!goals)} />
        <span>pause goals that would restore what is undone</span>
      </label>
      <ReasonField value={reason} onChange={setReason} />
      <CommandLine command={command} />
    </Confirm>
  )
}

function reasonAgainst(
  shown: Output<'execution.rollback'> | undefined,
  undone: number,
  pending: boolean,
): string | undefined {
  if (pending) return 'It is on its way.'
  if (!shown) return 'What would be undone is not known yet.'
  return undone === 0 ? 'Nothing can be undone.' : undefined
}

function Step({
  step: { title, outlook, why, observed, reversibility, level, level_why: levelWhy },
}: {
  step: UndoStep
}) {
  const { sign, class: meaning, words } = OUTLOOKS[outlook]
  return (
    <li>
      <p>
        <strong>
          <Line text={title} max={200} />
        </strong>
      </p>
      <p class={meaning}>
        <Sign of={sign} /> {words}
        {why && (
          <>
            : <Line text={why} max={400} />
          </>
        )}
      </p>
      <p class="quiet">
        {[reversibility, level > 0 ? `level ${level}: ${levelWhy}` : undefined].filter(Boolean).join(', ')}
        {observed && (
          <>
            ; now: <Line text={observed} max={300} />
          </>
        )}
      </p>
    </li>
  )
}

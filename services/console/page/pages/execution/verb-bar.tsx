/** What can be done with the execution now; the other verbs say why not. */

import type { ExecutionDetail } from '@deed/proto/execution'
import { useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import { refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { Confirm } from '../../components/dialog.tsx'
import { CommandLine } from '../../components/id.tsx'
import { ReasonField } from '../../components/reason-field.tsx'
import { toast } from '../../components/toast.tsx'
import { statusWords } from '../../text/status-words.ts'
import { RollbackDialog } from './rollback-dialog.tsx'
import { CONSEQUENCES, type Verb, verbsFor } from './verbs.ts'

export function VerbBar({ id, status }: { id: string; status: ExecutionDetail['status'] }) {
  const [open, setOpen] = useState<Verb>()
  const close = (): void => setOpen(undefined)
  return (
    <fieldset class="row verbs" aria-label="what can be done">
      {verbsFor(status, refusal).map(({ verb, title, reason }) => (
        <Button
          key={verb}
          kind={reason === undefined && (verb === 'cancel' || verb === 'rollback') ? 'danger' : 'plain'}
          reason={reason}
          onClick={() => setOpen(verb)}
        >
          {title}
        </Button>
      ))}
      <CommandLine command={`show ${id}`} />
      {open === 'rollback' && (
        <RollbackDialog
          scope={{ execution_id: id }}
          command={`rollback ${id}`}
          title="Roll back this execution"
          onClose={close}
        />
      )}
      {open !== undefined && open !== 'rollback' && <VerbDialog id={id} verb={open} onClose={close} />}
    </fieldset>
  )
}

function VerbDialog({ id, verb, onClose }: { id: string; verb: Exclude<Verb, 'rollback'>; onClose: () => void }) {
  const [reason, setReason] = useState('')
  const [undo, setUndo] = useState(false)
  const [pending, setPending] = useState(false)
  const title = { pause: 'Pause', resume: 'Resume', cancel: 'Cancel', retry: 'Retry' }[verb]
  const run = async (): Promise<void> => {
    setPending(true)
    const input = { execution_id: id, ...(reason.trim() === '' ? {} : { reason: reason.trim() }) }
    try {
      const { status } =
        verb === 'cancel' ? await call('execution.cancel', { ...input, undo }) : await call(`execution.${verb}`, input)
      toast(`${title}: the execution is ${statusWords(status).word}.`)
      onClose()
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), { bad: true })
      setPending(false)
    }
  }
  return (
    <Confirm
      title={`${title} this execution`}
      verb={verb === 'cancel' && undo ? 'Cancel and undo' : `${title} it`}
      danger={verb === 'cancel'}
      reason={pending ? 'It is on its way.' : undefined}
      onConfirm={() => void run()}
      onClose={onClose}
    >
      <p>{CONSEQUENCES[verb]}</p>
      {verb === 'cancel' && (
        <label class="check">
          <input type="checkbox" checked={undo} onChange={() => setUndo(!undo)} />
          <span>undo what it has done</span>
        </label>
      )}
      <ReasonField value={reason} onChange={setReason} />
      <CommandLine command={`${verb} ${id}${undo ? ' --undo' : ''}`} />
    </Confirm>
  )
}

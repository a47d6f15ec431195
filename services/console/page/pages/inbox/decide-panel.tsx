/** The decision about a plan: it is bound to the hash on the screen, which is typed, or signed by a passkey, from level 2 on. */

import { useRef, useState } from 'preact/hooks'
import { CallError, call } from '../../app/call.ts'
import { useKeys } from '../../app/keys.ts'
import { mayUsePasskey, signApproval } from '../../app/passkeys.ts'
import { refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { GrantForm } from '../../components/grant-form.tsx'
import { CommandLine } from '../../components/id.tsx'
import { ReasonField } from '../../components/reason-field.tsx'
import { ErrorBlock } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Line, Text } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { toast } from '../../components/toast.tsx'
import { shortId } from '../../text/inert-text.ts'
import { statusWords } from '../../text/status-words.ts'
import { type Approval, TYPED_CHARS, TYPED_FROM_LEVEL } from './items.ts'
import { boundsOf } from './plan-text.ts'

/** @param planHash of the plan that the person has read @param whyNot why it cannot be approved yet */
export function DecidePanel({
  approval,
  planHash,
  next,
  whyNot,
  onDecided,
}: {
  approval: Approval
  planHash: string
  next: string | undefined
  whyNot: string | undefined
  onDecided: () => void
}) {
  const { approval_id: id, level, status } = approval
  const [typed, setTyped] = useState('')
  const [reason, setReason] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const [granting, setGranting] = useState(false)
  const approveForm = useRef<HTMLFormElement>(null)
  const reasonField = useRef<HTMLInputElement>(null)
  useKeys('This approval', [
    {
      key: 'a',
      does: 'to the approval; Enter approves',
      run: () => approveForm.current?.querySelector<HTMLElement>('input, button')?.focus(),
    },
    { key: 'd', does: 'to the reason; Enter denies', run: () => reasonField.current?.focus() },
  ])
  if (status !== 'pending') return <Decided approval={approval} next={next} />
  const mustType = level >= TYPED_FROM_LEVEL
  const wanted = planHash.slice(0, TYPED_CHARS)
  const refused = refusal('approval.decide') ?? (busy ? 'It is being decided.' : undefined)
  const whyNotApprove =
    refused ??
    whyNot ??
    (mustType && typed.trim().toLowerCase() !== wanted
      ? `Type the first ${TYPED_CHARS} characters of the plan's hash first.`
      : undefined)
  const byPasskey = mustType && mayUsePasskey()
  const decide = async (decision: 'approve' | 'deny', passkey = false): Promise<void> => {
    if ((decision === 'deny' ? refused : passkey ? (refused ?? whyNot) : whyNotApprove) !== undefined) return
    setBusy(true)
    setError(undefined)
    try {
      await call('approval.decide', {
        approval_id: id,
        decision,
        plan_hash: planHash,
        ...(decision === 'approve' && mustType && !passkey ? { confirmation: { typed: typed.trim() } } : {}),
        // The server takes it out, and says the factor itself.
        ...(passkey ? { confirmation: { passkey: await signApproval(id, planHash) } as object } : {}),
        ...(decision === 'deny' && reason !== '' ? { reason } : {}),
      })
      toast(decision === 'approve' ? `Approved ${shortId(id)}` : `Denied ${shortId(id)}: nothing of it runs`)
      onDecided()
    } catch (cause) {
      setError(cause as Error)
      if (cause instanceof CallError && !cause.retryable) onDecided()
    } finally {
      setBusy(false)
    }
  }
  return (
    <aside class="panel decide" aria-label="decision">
      <form
        ref={approveForm}
        onSubmit={(event) => {
          event.preventDefault()
          void decide('approve')
        }}
      >
        {mustType && (
          <label>
            <span>
              To approve level {level}, type the first {TYPED_CHARS} characters of the plan's hash
            </span>
            <input
              class="mono"
              value={typed}
              maxLength={TYPED_CHARS + 10}
              autocomplete="off"
              autocapitalize="off"
              spellcheck={false}
              placeholder={'·'.repeat(TYPED_CHARS)}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
        )}
        <button
          type="submit"
          class="primary"
          title={whyNotApprove}
          aria-disabled={whyNotApprove !== undefined}
          aria-describedby="why-not"
        >
          Approve <kbd>a</kbd>
        </button>
        <p id="why-not" class="quiet why-not">
          {whyNotApprove}
        </p>
        {byPasskey && (
          <Button reason={refused ?? whyNot} onClick={() => void decide('approve', true)}>
            Approve with a passkey
          </Button>
        )}
      </form>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void decide('deny')
        }}
      >
        <ReasonField value={reason} onChange={setReason} field={reasonField} />
        <button type="submit" class="danger" title={refused} aria-disabled={refused !== undefined}>
          Deny <kbd>d</kbd>
        </button>
      </form>
      {error && <ErrorBlock error={error} />}
      <div class="more">
        {level < 3 && (
          <Button reason={refusal('grant.put')} onClick={() => setGranting(true)}>
            Pre-approve such actions…
          </Button>
        )}
        <CommandLine command={`approve ${shortId(id)}`} />
      </div>
      {granting && (
        <GrantForm
          bounds={approval.actions[0] ? boundsOf(approval.actions[0]) : {}}
          onClose={() => setGranting(false)}
        />
      )}
    </aside>
  )
}

function Decided({ approval, next }: { approval: Approval; next: string | undefined }) {
  const { status, decided_by: by, decided_at: at, reason, execution_id: execution } = approval
  return (
    <aside class="panel decide" aria-label="decision">
      <p>
        <Status status={status} />
        {by !== null && (
          <>
            {' '}
            by <Line text={by} />
          </>
        )}
        {at !== null && (
          <>
            {' '}
            <Time at={at} />
          </>
        )}
      </p>
      {reason !== null && reason !== '' && <Text text={reason} />}
      {by === null && <p class="quiet">It is {statusWords(status).word}: nothing can be decided here any longer.</p>}
      <div class="row">
        <a class="button" href={`/executions/${execution}`}>
          Its execution
        </a>
        {next !== undefined && (
          <a class="button primary" href={`/inbox/${next}`}>
            Next in the inbox <kbd>j</kbd>
          </a>
        )}
      </div>
    </aside>
  )
}

/** The alert rules that fire or are about to, and the silences. */
import { useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { useResource } from '../../app/resource.ts'
import { refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { Confirm } from '../../components/dialog.tsx'
import { useDoing } from '../../components/doing.ts'
import { setQuery } from '../../components/filters.tsx'
import { FormDialog } from '../../components/form-dialog.tsx'
import { Sign } from '../../components/sign.tsx'
import { Loaded } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { toast } from '../../components/toast.tsx'
import { requiredSpanMs } from '../../text/spans.ts'

type Rule = Output<'alert.list'>['alerts'][number]
type Silence = Output<'alert.list'>['silences'][number]

/** @param silence the alert that is to be silenced, of the address */
export function Alerts({ silence }: { silence: string | undefined }) {
  const alerts = useResource('alerts', (signal) => call('alert.list', {}, { signal }), { everyMs: 5_000 })
  return (
    <section class="panel">
      <header>
        <h2>Alerts</h2>
      </header>
      <Loaded from={alerts} what="alerts">
        {({ alerts: rules, silences }) => (
          <>
            {rules.length === 0 && (
              <p class="text-good">
                <Sign of="✓" /> No rule fires.
              </p>
            )}
            <ul class="checks">
              {rules.map((rule) => (
                <RuleRow key={`${rule.name} ${JSON.stringify(rule.labels)}`} rule={rule} />
              ))}
            </ul>
            {silences.length > 0 && <h3>Silences</h3>}
            <ul class="checks">
              {silences.map((one) => (
                <SilenceRow key={one.name} silence={one} onChange={alerts.reload} />
              ))}
            </ul>
          </>
        )}
      </Loaded>
      {silence !== undefined && <SilenceForm name={silence} onDone={alerts.reload} />}
    </section>
  )
}

function RuleRow({
  rule: { name, state, labels, severity, value, since, summary, runbook, silenced },
}: {
  rule: Rule
}) {
  const of = Object.entries(labels).map(([label, text]) => `${label} ${text}`)
  return (
    <li>
      <Status status={state} />
      <div>
        <p>
          <strong>{name}</strong> <Line text={summary} max={1_000} />
        </p>
        <p class="quiet">
          {severity}, value {Number(value.toFixed(3))}
          {of.length > 0 && (
            <>
              , of <Line text={of.join(', ')} />
            </>
          )}
          , since <Time at={since} />
          {silenced && ', silenced'}
        </p>
        <p>
          <Sign of="→" /> <Line text={runbook} max={1_000} />
        </p>
      </div>
      <Button
        reason={silenced ? 'It is silenced already.' : refusal('alert.silence')}
        onClick={() => setQuery({ silence: name })}
      >
        Silence…
      </Button>
    </li>
  )
}

function SilenceRow({ silence: { name, until, reason, by }, onChange }: { silence: Silence; onChange: () => void }) {
  const [ending, setEnding] = useState(false)
  const { busy, run } = useDoing()
  return (
    <li>
      <span class="status calm">
        <span class="sign" aria-hidden="true">
          ‖
        </span>
        silenced
      </span>
      <div>
        <p>
          <strong>{name}</strong> until <Time at={until} exact /> by <Line text={by} max={64} />
        </p>
        {reason !== '' && (
          <p class="quiet">
            <Line text={reason} max={1_000} />
          </p>
        )}
      </div>
      <Button reason={refusal('alert.unsilence') ?? busy} onClick={() => setEnding(true)}>
        End…
      </Button>
      {ending && (
        <Confirm
          title={`End the silence of ${name}`}
          verb="End the silence"
          onConfirm={() => {
            setEnding(false)
            void run(
              () => call('alert.unsilence', { name }),
              ({ ended }) => (ended ? `The silence of ${name} has ended` : `${name} was not silenced`),
            ).then(onChange)
          }}
          onClose={() => setEnding(false)}
        >
          <p>If it fires, people are told at once.</p>
        </Confirm>
      )}
    </li>
  )
}

function SilenceForm({ name, onDone }: { name: string; onDone: () => void }) {
  return (
    <FormDialog
      title={`Silence ${name}`}
      about="Nobody is told of it until then. What still fires at the end is told then."
      verb="Silence it"
      reason={refusal('alert.silence')}
      fields={[
        { name: 'for', title: 'For', value: '2h', required: true, hint: '30m, 2h, 7d; at most 30 days' },
        { name: 'reason', title: 'Reason', hint: 'shown with it' },
      ]}
      onSubmit={async ({ for: span = '', reason = '' }) => {
        const until = new Date(Date.now() + requiredSpanMs(span, 'For')).toISOString()
        await call('alert.silence', { name, until, reason })
        toast(`${name} is silenced`)
        onDone()
      }}
      onClose={() => setQuery({ silence: undefined })}
    />
  )
}

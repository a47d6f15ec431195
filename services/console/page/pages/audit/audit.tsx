/** The audit log: every chain recomputed, and the rows as a file to keep elsewhere. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { useKeys } from '../../app/keys.ts'
import { place, readQuery, uuid } from '../../app/router.ts'
import { refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { Facts } from '../../components/facts.tsx'
import { Filters } from '../../components/filters.tsx'
import { CommandLine, CopyButton, Id } from '../../components/id.tsx'
import { Sign } from '../../components/sign.tsx'
import { ErrorBlock } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { Clock } from '../../components/time.tsx'
import { toast } from '../../components/toast.tsx'
import { count, counted } from '../../text/times.ts'
import { exportLines, type Verification, verify } from './chain.ts'
import { RefusalsView } from './refusals.tsx'

/** What is under way, and how far it is. */
interface Work {
  readonly verb: 'verify' | 'export'
  readonly ended: AbortController
}

export default function Audit() {
  const { values, faults } = readQuery(place.value.query, { execution: uuid })
  const [found, setFound] = useState<{ of: string | undefined; so: Verification; at: number }>()
  const [exported, setExported] = useState(0)
  const [work, setWork] = useState<Work>()
  const [error, setError] = useState<Error>()
  const latest = useRef(work)
  latest.current = work
  useEffect(() => () => latest.current?.ended.abort(), [])

  const begin = async (verb: Work['verb'], act: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    if (work) return
    const ended = new AbortController()
    setWork({ verb, ended })
    setError(undefined)
    try {
      await act(ended.signal)
    } catch (cause) {
      if (!ended.signal.aborted) setError(cause as Error)
    } finally {
      setWork(undefined)
    }
  }
  const { execution } = values
  const onVerify = (): void =>
    void begin('verify', (signal) => {
      setFound(undefined)
      return verify(execution, signal, (so) => setFound({ of: execution, so, at: Date.now() }))
    })
  const onExport = (): void =>
    void begin('export', async (signal) => {
      setExported(0)
      const parts = await exportLines(execution, signal, setExported)
      download(new Blob(parts, { type: 'application/jsonl' }), `audit${execution ? `-${execution}` : ''}.jsonl`)
      toast('The audit log is in your downloads')
    })
  useKeys('Audit', [{ key: 'v', does: 'verify', run: () => refusal('audit.verify') ?? onVerify() }])
  const busy = work && 'It is being done.'
  return (
    <div class="page flow">
      <header>
        <h1>Audit</h1>
        <div class="row" role="toolbar" aria-label="verbs">
          <Button kind="primary" reason={refusal('audit.verify') ?? busy} onClick={onVerify}>
            Verify <kbd>v</kbd>
          </Button>
          <Button reason={refusal('audit.export') ?? busy} onClick={onExport}>
            Export
          </Button>
          {work && (
            <button type="button" class="danger" onClick={() => work.ended.abort()}>
              Stop
            </button>
          )}
        </div>
      </header>
      <p class="quiet">
        Each row carries a hash over the one before it. Verifying recomputes all of them: a row that was changed,
        removed or added is found.
      </p>
      <Filters
        fields={[{ name: 'execution', title: 'Of one execution', placeholder: 'its whole id' }]}
        faults={faults}
      />
      {error && <ErrorBlock error={error} onRetry={onVerify} />}
      <p role="status" class="quiet">
        {work?.verb === 'verify' && `${found ? counted(found.so.rows, 'row') : 'The first page'} is being checked…`}
        {work?.verb === 'export' && `${counted(exported, 'row')} read…`}
      </p>
      {found && <Found {...found} />}
      {!found && !work && !error && <p class="state">Nothing was verified in this tab yet.</p>}
      <CommandLine command={`audit verify${execution ? ` ${execution}` : ''}`} />
      <CommandLine command={`audit export${execution ? ` ${execution}` : ''} > audit.jsonl`} />
      {execution === undefined && <RefusalsView />}
    </div>
  )
}

function Found({ of, so, at }: { of: string | undefined; so: Verification; at: number }) {
  const { broken, broken_anchor: brokenAnchor, anchor, ended } = so
  return (
    <section class={broken || brokenAnchor ? 'note bad' : ended ? 'note good' : 'note'} aria-live="polite">
      <h2>
        {broken || brokenAnchor ? (
          <>
            <Sign of="✕" /> The log was changed
          </>
        ) : ended ? (
          <>
            <Sign of="✓" /> Every row is as it was written
          </>
        ) : (
          'So far as it was written'
        )}
      </h2>
      <Facts
        of={[
          ['Of', of === undefined ? 'all executions of this tenant' : <Id id={of} whole href={`/executions/${of}`} />],
          [
            'Read',
            `${counted(so.rows, 'row')} of ${counted(so.executions, 'execution')}, and ${counted(so.anchors, 'anchor')}`,
          ],
          ['At', <Clock key="at" at={at} />],
          [
            'First fault',
            broken && (
              <>
                <Id id={broken.execution_id} href={`/executions/${broken.execution_id}`} /> row {count(broken.seq)}:{' '}
                <Line text={broken.why} max={600} />
              </>
            ),
          ],
          [
            'First fault',
            brokenAnchor && (
              <>
                anchor {count(brokenAnchor.number)}: <Line text={brokenAnchor.why} max={600} />
              </>
            ),
          ],
          [
            'Newest anchor',
            anchor && (
              <>
                {count(anchor.number)}: <code>{anchor.hash}</code>{' '}
                <CopyButton text={anchor.hash} label="copy the hash of the anchor" />
                <span class="quiet"> keep it elsewhere, to compare later</span>
              </>
            ),
          ],
        ]}
      />
    </section>
  )
}

function download(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** What an action said of itself, beside what was observed. */

import type { Evidence } from '@deed/proto/observation'
import { Sign } from '../../components/sign.tsx'
import { Line, Text } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import type { Meaning } from '../../text/status-words.ts'

const OUTCOMES: Readonly<Record<Evidence['outcome'], { sign: string; meaning: Meaning; says: string }>> = {
  verified: { sign: '✓', meaning: 'good', says: 'it was observed to hold' },
  failed: { sign: '✕', meaning: 'bad', says: 'it was observed not to hold' },
  unverified: { sign: '?', meaning: 'wait', says: 'it could not be observed, or not a second time' },
  accepted: { sign: '◌', meaning: 'calm', says: 'it is not observed yet' },
}

export function Outcome({ outcome }: { outcome: Evidence['outcome'] }) {
  const { sign, meaning, says } = OUTCOMES[outcome]
  return (
    <span class={`status ${meaning}`} title={says}>
      <Sign of={sign} />
      {outcome}
    </span>
  )
}

export function EvidenceView({ evidence, title }: { evidence: Evidence; title: string }) {
  const { kind, outcome, claimed, observed, observed_at: at, already_so: already, facts } = evidence
  const found = Object.entries(facts ?? {})
  return (
    <section class={`evidence ${OUTCOMES[outcome].meaning}`} aria-label={title}>
      <header>
        <h3>{title}</h3>
        <Outcome outcome={outcome} />
        <span class="quiet">
          {kind} <Time at={at} />
          {already && ', it was so already'}
        </span>
      </header>
      <div class="beside">
        <div>
          <h4>claimed</h4>
          <Text text={claimed} max={600} />
        </div>
        <div>
          <h4>observed</h4>
          <Text text={observed} max={600} />
        </div>
      </div>
      {found.length > 0 && (
        <dl class="facts-inline">
          {found.map(([name, value]) => (
            <div key={name}>
              <dt>
                <Line text={name} max={60} />
              </dt>
              <dd>
                <code>
                  <Line text={typeof value === 'string' ? value : JSON.stringify(value)} max={200} />
                </code>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  )
}

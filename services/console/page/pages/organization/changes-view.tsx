/** What decisions changed and still holds: standards, permits, mandates and the order of the backlog. */
import type { ComponentChildren } from 'preact'
import { call } from '../../app/call.ts'
import { useResource } from '../../app/resource.ts'
import { readQuery, urlOf } from '../../app/router.ts'
import { Filters } from '../../components/filters.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { counted } from '../../text/times.ts'
import { type ViewProperties, wordsOf } from './query.ts'
import { RuleList } from './roles-view.tsx'

const BACKLOG_MAX = 50

export function ChangesView({ query }: ViewProperties) {
  const { faults } = readQuery(query, {})
  const changes = useResource(
    'changes',
    async (signal) => {
      const [{ standards }, { permits }, { rules }, { items }] = await Promise.all([
        call('organization.list-standards', {}, { signal }),
        call('organization.list-permits', {}, { signal }),
        call('organization.list-mandates', {}, { signal }),
        call('organization.list-backlog', { limit: BACKLOG_MAX }, { signal }),
      ])
      return { standards, permits, mandates: rules.filter(({ changed_by: by }) => by !== null), items }
    },
    { organization: true, everyMs: 30_000 },
  )
  return (
    <>
      <Filters fields={[]} faults={faults} />
      <Loaded from={changes} what="what was changed">
        {({ standards, permits, mandates, items }) =>
          standards.length + permits.length + mandates.length + items.length === 0 ? (
            <Empty title="No decision has changed anything yet">
              <p>
                A decision that is approved shows here what it changed: see{' '}
                <a href="/organization">those that are open</a>. Money is at{' '}
                <a href="/organization?view=money">money</a>.
              </p>
            </Empty>
          ) : (
            <div class="stack scroll">
              <Section title={counted(standards.length, 'standard')} about="reviews read them">
                {standards.map(({ name, rule, decision_id: id, since }) => (
                  <li key={name}>
                    <DecisionLink id={id} text={name} />: <Line text={rule} max={600} /> <Since at={since} />
                  </li>
                ))}
              </Section>
              <Section title={counted(permits.length, 'permit')} about="a plan that deploys needs one">
                {permits.map(({ environment, release, decision_id: id, valid_until: until }) => (
                  <li key={`${id} ${environment}`}>
                    <DecisionLink id={id} text={release} /> to <Line text={environment} />{' '}
                    <span class="quiet">
                      expires <Time at={until} />
                    </span>
                  </li>
                ))}
              </Section>
              <section class="panel">
                <h2>{counted(mandates.length, 'mandate')}</h2>
                <RuleList rules={mandates} />
              </section>
              <Section title={`${counted(items.length, 'item')} of the backlog`} about="in its order">
                {items.map(({ backlog_id: id, rank, kind, name, status, proposed_by: by, criteria }) => (
                  <li key={id}>
                    {rank}. <Line text={name} max={200} />{' '}
                    <span class="quiet">
                      {kind} of {wordsOf(by)}, {wordsOf(status)},{' '}
                      {criteria.filter(({ execution_id: shown }) => shown !== null).length} of {criteria.length}{' '}
                      criteria linked
                    </span>
                  </li>
                ))}
              </Section>
            </div>
          )
        }
      </Loaded>
    </>
  )
}

function Section({ title, about, children }: { title: string; about: string; children: ComponentChildren[] }) {
  return (
    <section class="panel">
      <header>
        <h2>{title}</h2>
        <span class="quiet">{about}</span>
      </header>
      <ul class="stack">{children}</ul>
    </section>
  )
}

function DecisionLink({ id, text }: { id: string; text: string }) {
  return (
    <a href={urlOf('/organization', { status: 'all', decision: id })}>
      <Line text={text} max={128} />
    </a>
  )
}

function Since({ at }: { at: string }) {
  return (
    <span class="quiet">
      since <Time at={at} />
    </span>
  )
}

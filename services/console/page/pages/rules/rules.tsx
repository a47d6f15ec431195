/** What can be said here without a model: rules by pack, sentences that were learned, and a field to try words. */
import { useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { useResource } from '../../app/resource.ts'
import { place, readQuery, urlOf, words } from '../../app/router.ts'
import { may, refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { Confirm } from '../../components/dialog.tsx'
import { useDoing } from '../../components/doing.ts'
import { Filters } from '../../components/filters.tsx'
import { CommandLine, Id } from '../../components/id.tsx'
import { Sign } from '../../components/sign.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { counted } from '../../text/times.ts'
import { packsWith } from './packs.ts'
import { TryWords } from './try-words.tsx'

type Pack = Output<'rules.list'>['packs'][number]
/** What happens with a model's plan at each stage. */
const STAGES: Readonly<Record<Learned['stage'], string>> = {
  candidate: 'verified once',
  shadow: 'models still plan it',
  trusted: 'used without a model',
  demoted: 'models plan it again, since it failed',
}

type Learned = Output<'rules.learned'>['sentences'][number]

/** More rules of a pack are drawn when somebody asks for them. */
const RULES_SHOWN = 60

const EFFECTS = { read: 'reads', change: 'changes', refuse: 'refuses' } as const

export default function Rules() {
  const { values, faults } = readQuery(place.value.query, { text: words(256), say: words(65_536) })
  const rules = useResource('rules', (signal) => call('rules.list', {}, { signal }), { everyMs: 60_000 })
  return (
    <div class="page flow">
      <header>
        <h1>Rules</h1>
      </header>
      <TryWords words={values.say} />
      <Filters
        fields={[{ name: 'text', title: 'Find', placeholder: 'restart, disk, …' }]}
        faults={faults}
        shown={rules.value && shownText(rules.value.packs, values.text)}
      />
      <Loaded from={rules} what="rules">
        {({ packs, faults: broken }) => (
          <div class="stack">
            {broken.length > 0 && (
              <section class="note bad" role="alert">
                <strong>
                  <Sign of="✕" /> A change in RULES_DIR is not in force:
                </strong>
                <ul>
                  {broken.slice(0, 50).map(({ file, line, reason }) => (
                    <li key={`${file}:${line}:${reason}`}>
                      <code>
                        <Line text={file} />:{line}
                      </code>{' '}
                      <Line text={reason} max={600} />
                    </li>
                  ))}
                </ul>
                <CommandLine command="rules test" />
              </section>
            )}
            <LearnedSentences />
            <Packs packs={packsWith(packs, values.text)} open={values.text !== undefined} />
          </div>
        )}
      </Loaded>
    </div>
  )
}

function shownText(packs: readonly Pack[], text: string | undefined): string {
  const count = (of: readonly Pack[]): number => of.reduce((sum, { rules }) => sum + rules.length, 0)
  return `${count(packsWith(packs, text))} of ${counted(count(packs), 'rule')} shown`
}

function Packs({ packs, open }: { packs: readonly Pack[]; open: boolean }) {
  if (packs.length === 0) {
    return (
      <Empty title="No rule has these words">
        <p>
          <a href="/rules">Show all rules</a>, or try the whole sentence above: it is understood by its meaning too.
        </p>
      </Empty>
    )
  }
  return (
    <>
      {packs.map((pack, index) => (
        <PackView key={`${pack.pack} ${open}`} pack={pack} open={open || index === 0} />
      ))}
    </>
  )
}

function PackView({ pack: { pack, version, description, own, file, rules }, open }: { pack: Pack; open: boolean }) {
  const [shown, setShown] = useState(open)
  const [all, setAll] = useState(false)
  const drawn = shown ? rules.slice(0, all ? undefined : RULES_SHOWN) : []
  return (
    <details class="panel pack" open={open} onToggle={(event) => setShown(event.currentTarget.open)}>
      <summary>
        <h2>{pack}</h2> <span class="quiet">{counted(rules.length, 'rule')}</span> <Line text={description} max={200} />
        <span class="quiet">
          {' '}
          version {version}, {own ? <Line text={file} max={100} /> : 'built in'}
        </span>
      </summary>
      <ul class="rule-list">
        {drawn.map(({ id, does, effect, examples }) => (
          <li key={id}>
            <p>
              <Line text={does} /> <span class="quiet">{EFFECTS[effect]}</span> <code class="quiet">{id}</code>
            </p>
            {examples.length === 0 ? (
              <p class="quiet">Nothing here that it applies to.</p>
            ) : (
              <ul class="sentences">
                {examples.slice(0, 4).map((sentence) => (
                  <li key={sentence}>
                    <a href={urlOf('/new', { task: sentence })}>
                      <Line text={sentence} max={256} />
                    </a>
                  </li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ul>
      {shown && drawn.length < rules.length && (
        <button type="button" class="link" onClick={() => setAll(true)}>
          show {rules.length - drawn.length} more
        </button>
      )}
    </details>
  )
}

function LearnedSentences() {
  const learned = useResource('learned', async (signal) =>
    may('rules.learned') ? (await call('rules.learned', {}, { signal })).sentences : [],
  )
  const [forgetting, setForgetting] = useState<Learned | 'all'>()
  const { busy, run } = useDoing()
  const whyNot = refusal('rules.forget') ?? busy
  return (
    <section class="panel">
      <header>
        <h2>Learned sentences</h2>
        <span class="quiet">what people chose, or a model's verified plan; later they mean the same at once</span>
        <span class="space" />
        {(learned.value?.length ?? 0) > 1 && (
          <Button kind="danger" reason={whyNot} onClick={() => setForgetting('all')}>
            Forget all…
          </Button>
        )}
      </header>
      <Loaded from={learned} what="learned sentences">
        {(sentences) =>
          sentences.length === 0 ? (
            <p class="quiet">None yet: they come by themselves, from executions that ended verified.</p>
          ) : (
            <ul class="learned">
              {sentences.map((sentence) => (
                <li key={sentence.id}>
                  <div>
                    <Line text={sentence.sentence} max={512} />{' '}
                    <span class="quiet">
                      as in: <Line text={sentence.reading} max={512} />
                    </span>
                    <p class="quiet">
                      <Status status={sentence.active ? 'active' : 'inactive'} /> by{' '}
                      {sentence.source === 'choice' ? 'a choice of' : "a model's plan for"}{' '}
                      <Line text={sentence.learned_by} max={64} /> <Time at={sentence.learned_at} />,{' '}
                      {sentence.source === 'model' && `${sentence.stage}: ${STAGES[sentence.stage]}, `}
                      {counted(sentence.uses, 'use')}{' '}
                      <Id id={sentence.execution_id} href={`/executions/${sentence.execution_id}`} />
                    </p>
                  </div>
                  <Button reason={whyNot} onClick={() => setForgetting(sentence)}>
                    Forget…
                  </Button>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {forgetting !== undefined && (
        <Confirm
          title={forgetting === 'all' ? 'Forget all learned sentences' : 'Forget this sentence'}
          verb="Forget"
          danger
          onConfirm={() => {
            setForgetting(undefined)
            void run(
              () => call('rules.forget', forgetting === 'all' ? { all: true } : { id: forgetting.id }),
              ({ forgotten }) => `Forgot ${counted(forgotten, 'sentence')}`,
            ).then(learned.reload)
          }}
          onClose={() => setForgetting(undefined)}
        >
          {forgetting !== 'all' && (
            <p>
              <Line text={forgetting.sentence} max={512} />
            </p>
          )}
          <p>The words are understood as before they were learned: by a rule, by a question, or by a model.</p>
        </Confirm>
      )}
    </section>
  )
}

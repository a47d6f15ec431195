/** While words are typed: how they are understood here, and what else could be said. Nothing is done. */
import { useEffect, useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { useResource } from '../../app/resource.ts'
import { may } from '../../app/session.ts'
import { Sign } from '../../components/sign.tsx'
import { ErrorBlock, Loaded } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { sentencesFor } from './draft.ts'

const TYPING_MS = 300

/** The value, once it has not changed for a while. */
function useDelayed<T>(value: T, ms: number): T {
  const [last, setLast] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setLast(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return last
}

export function Understanding({ task, onPick }: { task: string; onPick: (sentence: string) => void }) {
  const typed = useDelayed(task.trim(), TYPING_MS)
  const rules = useResource('sentences', async (signal) =>
    may('rules.list') ? (await call('rules.list', {}, { signal })).packs : [],
  )
  const explained = useResource(`explain ${typed}`, async (signal) =>
    typed === '' || !may('agent.explain') ? undefined : call('agent.explain', { task: typed }, { signal }),
  )
  return (
    <aside class="understanding">
      <section class="panel" aria-label="how the words are understood" aria-live="polite">
        <h2>Understood as</h2>
        {typed === '' && <p class="quiet">Type a task, or pick a sentence below. Nothing is done while you type.</p>}
        {typed !== '' && explained.value && <Explained reply={explained.value} onPick={onPick} />}
        {typed !== '' && !explained.value && explained.loading && <p class="quiet">…</p>}
        {explained.error && <ErrorBlock error={explained.error} />}
      </section>
      <section class="panel" aria-label="sentences of this world">
        <h2>You can say</h2>
        <Loaded from={rules} what="sentences">
          {(packs) => <Sentences found={sentencesFor(typed, packs)} typed={typed} onPick={onPick} />}
        </Loaded>
      </section>
    </aside>
  )
}

function Explained({ reply, onPick }: { reply: Output<'agent.explain'>; onPick: (sentence: string) => void }) {
  switch (reply.outcome) {
    case 'handled': {
      const { reading, actions, rule } = reply.solution
      return (
        <>
          {reading && (
            <p>
              <Line text={reading.text} /> <span class="quiet">by {reading.by}</span>
            </p>
          )}
          <ul>
            {actions.slice(0, 8).map(({ name, title }) => (
              <li key={name}>
                <span class="text-good" aria-hidden="true">
                  <Sign of="✓" />{' '}
                </span>
                <Line text={title} />
              </li>
            ))}
          </ul>
          {actions.length > 8 && <p class="quiet">and {actions.length - 8} more</p>}
          {rule && <p class="quiet">by the rule {rule}: free, and at once</p>}
        </>
      )
    }
    case 'asks':
      return (
        <>
          <p>
            <span class="text-wait">? </span>
            <Line text={reply.question.text} />
          </p>
          <ul>
            {reply.question.options.map(({ id, reading }) => (
              <li key={id}>
                · <Line text={reading} max={256} />
              </li>
            ))}
          </ul>
          <p class="quiet">Dry run asks you which.</p>
        </>
      )
    case 'declined':
      return (
        <>
          <p>
            <Line text={reply.message} max={600} />
          </p>
          <Picks sentences={reply.suggestions ?? []} onPick={onPick} />
        </>
      )
    case 'refused':
      return (
        <p class="text-bad">
          <Sign of="✕" /> <Line text={reply.error.message} max={600} />
        </p>
      )
  }
}

function Sentences({ found, typed, onPick }: { found: string[]; typed: string; onPick: (sentence: string) => void }) {
  if (found.length > 0) return <Picks sentences={found} onPick={onPick} />
  return (
    <p class="quiet">
      {typed === '' ? 'No rule has an example for this world.' : 'No sentence here has all of these words.'}{' '}
      <a href="/rules">All rules</a>
    </p>
  )
}

/** Sentences to take over into the form. */
export function Picks({ sentences, onPick }: { sentences: readonly string[]; onPick: (sentence: string) => void }) {
  return (
    <ul class="picks">
      {sentences.map((sentence) => (
        <li key={sentence}>
          <button type="button" class="link" onClick={() => onPick(sentence)}>
            <Line text={sentence} max={256} />
          </button>
        </li>
      ))}
    </ul>
  )
}

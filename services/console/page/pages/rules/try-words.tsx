/** How words are understood: what each stage made of them. Nothing is done. */

import { useEffect, useRef, useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { useKeys } from '../../app/keys.ts'
import { useResource } from '../../app/resource.ts'
import { urlOf } from '../../app/router.ts'
import { refusal } from '../../app/session.ts'
import { setQuery } from '../../components/filters.tsx'
import { Sign } from '../../components/sign.tsx'
import { Loaded } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { percent } from '../../text/times.ts'

type Reply = Output<'agent.explain'>
type Explanation = NonNullable<Reply['explanation']>

const STAGES: Readonly<Record<Explanation['stages'][number]['stage'], string>> = {
  exact: 'by a rule, word for word',
  learned: 'by a learned sentence',
  similar: 'by similarity',
  question: 'by a question',
}

const OUTCOMES: Readonly<
  Record<Explanation['stages'][number]['outcome'], [sign: string, words: string, meaning: string]>
> = {
  handled: ['✓', 'understood', 'good'],
  asks: ['?', 'asks', 'wait'],
  declined: ['–', 'declined', 'calm'],
  refused: ['✕', 'refused', 'bad'],
  not_reached: ['·', 'not reached', 'calm'],
}

/** @param words of the address */
export function TryWords({ words }: { words: string | undefined }) {
  const [typed, setTyped] = useState(words ?? '')
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => setTyped(words ?? ''), [words])
  useKeys('Rules', [{ key: 'w', does: 'try words', run: () => field.current?.focus() }])
  const whyNot = refusal('agent.explain')
  return (
    <section class="panel" aria-label="try words">
      <form
        class="row try-words"
        onSubmit={(event) => {
          event.preventDefault()
          if (whyNot === undefined) setQuery({ say: typed.trim() || undefined })
        }}
      >
        <label>
          <span>
            Try words: how would they be understood? <kbd>w</kbd>
          </span>
          <input
            ref={field}
            type="search"
            value={typed}
            maxLength={65_536}
            autocomplete="off"
            placeholder="demo-api is stuck, restart it"
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <button type="submit" title={whyNot} aria-disabled={whyNot !== undefined}>
          Explain
        </button>
      </form>
      {words !== undefined && <Explained words={words} />}
    </section>
  )
}

function Explained({ words }: { words: string }) {
  const explained = useResource(`explain ${words}`, (signal) => call('agent.explain', { task: words }, { signal }))
  return (
    <Loaded from={explained} what="the explanation">
      {(reply) => (
        <div class="explained" aria-live="polite">
          <Outcome reply={reply} words={words} />
          {reply.explanation && <Stages explanation={reply.explanation} />}
        </div>
      )}
    </Loaded>
  )
}

function Outcome({ reply, words }: { reply: Reply; words: string }) {
  switch (reply.outcome) {
    case 'handled': {
      const { reading, actions, rule } = reply.solution
      return (
        <p class="note good">
          <strong>
            <Sign of="✓" /> Understood
          </strong>{' '}
          as <Line text={reading?.text ?? actions.map(({ title }) => title).join('; ')} max={1_000} />
          {rule && <span class="quiet"> by the rule {rule}</span>}.{' '}
          <a href={urlOf('/new', { task: words })}>Make it a task</a>
        </p>
      )
    }
    case 'asks':
      return (
        <div class="note wait">
          <strong>? Asks:</strong> <Line text={reply.question.text} max={1_024} />
          <ol>
            {reply.question.options.map(({ id, reading }) => (
              <li key={id}>
                <Line text={reading} max={512} />
              </li>
            ))}
          </ol>
        </div>
      )
    case 'declined':
      return (
        <div class="note">
          <strong>– Not by a rule:</strong> <Line text={reply.message} max={1_000} />
          {(reply.suggestions ?? []).length > 0 && (
            <p>
              Nearest:{' '}
              {(reply.suggestions ?? []).map((sentence, index) => (
                <span key={sentence}>
                  {index > 0 && '; '}
                  <a href={urlOf('/rules', { say: sentence })}>
                    <Line text={sentence} max={256} />
                  </a>
                </span>
              ))}
            </p>
          )}
        </div>
      )
    case 'refused':
      return (
        <p class="note bad">
          <strong>
            <Sign of="✕" /> Impossible:
          </strong>{' '}
          <Line text={reply.error.message} max={1_000} />
        </p>
      )
  }
}

function Stages({ explanation: { normalised, stages, candidates, unexplained } }: { explanation: Explanation }) {
  return (
    <>
      <p class="quiet">
        Read as: <Line text={normalised} max={1_000} />
        {unexplained.length > 0 && (
          <>
            {' '}
            · not explained: <strong class="text-wait">{<Line text={unexplained.join(', ')} />}</strong>
          </>
        )}
      </p>
      <ol class="stages">
        {stages.map(({ stage, outcome, reason }) => {
          const [sign, said, meaning] = OUTCOMES[outcome]
          return (
            <li key={stage}>
              <span>{STAGES[stage]}</span>
              <span class={`status ${meaning}`}>
                <Sign of={sign} />
                {said}
              </span>
              <span class="quiet">
                <Line text={reason} max={400} />
              </span>
            </li>
          )
        })}
      </ol>
      {candidates.length > 0 && (
        <div class="scroll">
          <table aria-label="nearest rules">
            <thead>
              <tr>
                <th scope="col">Nearest rules</th>
                <th scope="col">read as</th>
                <th scope="col">names</th>
                <th scope="col" class="numeric">
                  confidence
                </th>
              </tr>
            </thead>
            <tbody>
              {candidates.map(({ rule, reading, slots, confidence }) => (
                <tr key={`${rule} ${reading}`}>
                  <td>
                    <code>{rule}</code>
                  </td>
                  <td>
                    <Line text={reading} max={256} />
                  </td>
                  <td>
                    <Line
                      text={Object.entries(slots)
                        .map(([name, value]) => `${name}: ${value}`)
                        .join(', ')}
                    />
                  </td>
                  <td class="numeric">{percent(confidence)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  )
}

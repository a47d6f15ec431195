/** A question about the words of a task: one of the readings, by its number, or the task in other words. */
import type { OpenQuestion } from '@deed/proto/person'
import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { useKeys } from '../app/keys.ts'
import { Button } from './button.tsx'
import { Line } from './text.tsx'

type Option = OpenQuestion['options'][number]
export type Answer = { readonly option: Option } | { readonly words: string }

export function Question({
  question,
  reason,
  keys = true,
  onAnswer,
  children,
}: {
  question: OpenQuestion
  /** Why it cannot be answered; undefined if it can. */
  reason: string | undefined
  /** Whether a digit answers: not where digits have another meaning. */
  keys?: boolean
  onAnswer: (answer: Answer) => void
  /** What else can be done about it, after the words. */
  children?: ComponentChildren
}) {
  const [words, setWords] = useState('')
  const field = useRef<HTMLInputElement>(null)
  const answer = (given: Answer): void => {
    if (reason === undefined) onAnswer(given)
  }
  useKeys('This question', [
    ...question.options.slice(0, keys ? 9 : 0).map((option, index) => ({
      key: `${index + 1}`,
      does: `answer: ${option.reading.slice(0, 80)}`,
      run: () => answer({ option }),
    })),
    { key: 'w', does: 'answer in other words', run: () => field.current?.focus() },
  ])
  return (
    <div class="question">
      <h2>
        <span class="text-wait" aria-hidden="true">
          ?{' '}
        </span>
        <Line text={question.text} max={1_024} />
      </h2>
      <ol class="answers">
        {question.options.map((option, index) => (
          <li key={option.id}>
            <Button reason={reason} onClick={() => answer({ option })}>
              {keys && index < 9 && <kbd>{index + 1}</kbd>} <Line text={option.reading} max={512} />
            </Button>
            {option.actions.length > 0 && (
              <ul class="quiet">
                {option.actions.map(({ kind, title }, at) => (
                  <li key={at}>
                    <Line text={title} /> <code>{kind}</code>
                  </li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ol>
      <form
        class="row answer-words"
        onSubmit={(event) => {
          event.preventDefault()
          if (words.trim() !== '') answer({ words: words.trim() })
        }}
      >
        <label>
          <span>
            Or the task in other words <kbd>w</kbd>
          </span>
          <input
            ref={field}
            value={words}
            maxLength={65_536}
            autocomplete="off"
            onInput={(event) => setWords(event.currentTarget.value)}
          />
        </label>
        <button type="submit" aria-disabled={reason !== undefined || words.trim() === ''} title={reason}>
          Answer
        </button>
        {children}
      </form>
    </div>
  )
}

/** An answer as `execution.choose` takes it. */
export const choiceOf = (answer: Answer): { option: string } | { words: string } =>
  'option' in answer ? { option: answer.option.id } : answer

/** A new execution: said in plain words, shown as a plan first, then run. */
import { useEffect, useRef } from 'preact/hooks'
import { CallError } from '../../app/call.ts'
import { useKeys } from '../../app/keys.ts'
import { refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { CommandLine } from '../../components/id.tsx'
import { type Answer, Question } from '../../components/question.tsx'
import { ErrorBlock } from '../../components/states.tsx'
import { type Draft, ON_FAILURE, PRIORITIES, queryOf } from './draft.ts'
import { PlanView } from './plan-view.tsx'
import { Picks, Understanding } from './understanding.tsx'
import { type Shown, useNewExecution } from './use-new-execution.ts'

export default function NewExecution() {
  const { draft, set, words, shown, current, busy, error, whyNot, dryRun, pick, run, answer } = useNewExecution()
  useKeys('New execution', [
    { key: 'd', does: 'dry run', run: () => void dryRun(draft) },
    { key: 'R', does: 'run what the plan shows', run: () => void run() },
    // Of a question, its own field.
    ...(shown?.reply.question ? [] : [{ key: 'w', does: 'to the words', run: () => words.current?.focus() }]),
  ])
  const suggestions = error instanceof CallError ? error.details?.suggestions : undefined
  return (
    <div class="page">
      <header>
        <h1>New execution</h1>
      </header>
      <div class="new-execution">
        <div class="new-form">
          <form
            class="panel"
            onSubmit={(event) => {
              event.preventDefault()
              void dryRun(draft)
            }}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void dryRun(draft)
            }}
          >
            <label>
              <span>Task, in plain words</span>
              <textarea
                ref={words}
                name="task"
                rows={3}
                value={draft.task}
                maxLength={65_536}
                placeholder="restart demo-api"
                aria-describedby="new-keys"
                onInput={(event) => set({ task: event.currentTarget.value })}
              />
            </label>
            <Context draft={draft} set={set} />
            <div class="row">
              <button type="submit" class={whyNot === undefined ? 'plain' : 'primary'} disabled={busy !== undefined}>
                {busy === 'dry run' ? 'Planning…' : 'Dry run'}
              </button>
              <Button kind={whyNot === undefined ? 'primary' : 'plain'} reason={whyNot} onClick={() => void run()}>
                {busy === 'run' ? 'Starting…' : 'Run and watch'}
              </Button>
              <span id="new-keys" class="quiet">
                <kbd>Ctrl</kbd> <kbd>Enter</kbd> shows the plan; nothing is done.
              </span>
            </div>
          </form>
          {error && <ErrorBlock error={error} />}
          {Array.isArray(suggestions) && suggestions.length > 0 && (
            <section class="panel" aria-label="suggestions">
              <h2>You could say</h2>
              <Picks sentences={suggestions.filter((one) => typeof one === 'string')} onPick={pick} />
            </section>
          )}
          {shown && <ShownPlan shown={shown} current={current} onAnswer={(given) => void answer(given)} />}
          {draft.task.trim() !== '' && <CommandLine command={`run ${shellQuoted(draft.task)}`} />}
        </div>
        <Understanding task={draft.task} onPick={pick} />
      </div>
    </div>
  )
}

/** @param current whether it is of what is written now */
function ShownPlan({
  shown,
  current,
  onAnswer,
}: {
  shown: Shown
  current: boolean
  onAnswer: (answer: Answer) => void
}) {
  const plan = useRef<HTMLElement>(null)
  // A reader of the screen continues at the plan, where the keys of the page work as well.
  useEffect(() => plan.current?.focus(), [shown.key])
  return (
    <section
      ref={plan}
      class={current ? 'panel' : 'panel outdated'}
      tabIndex={-1}
      aria-label="the plan"
      aria-live="polite"
    >
      <header>
        <h2>{shown.reply.question ? 'A question' : 'The plan'}</h2>
        <span class="quiet">{current ? 'A dry run: nothing was done, nothing was stored.' : 'Of earlier words.'}</span>
      </header>
      {shown.reply.question ? (
        <>
          <Question
            question={shown.reply.question}
            reason={refusal('execution.choose') ?? (current ? undefined : 'The form has changed: Dry run again.')}
            onAnswer={onAnswer}
          />
          {shown.reply.question.options.length > 0 && (
            <p class="quiet">An answer runs it, with its approval if it needs one. Other words are a plan first.</p>
          )}
        </>
      ) : (
        <PlanView reply={shown.reply} />
      )}
    </section>
  )
}

function Context({ draft, set }: { draft: Draft; set: (changes: Partial<Draft>) => void }) {
  const field = (name: 'workspace' | 'target_file' | 'budget', title: string, placeholder: string) => (
    <label>
      <span>{title}</span>
      <input
        name={name}
        value={draft[name]}
        placeholder={placeholder}
        autocomplete="off"
        onInput={(event) => set({ [name]: event.currentTarget.value })}
      />
    </label>
  )
  const given = Object.keys(queryOf({ ...draft, task: '' })).length
  return (
    <details open={given > 0}>
      <summary>Context, criteria, budget{given > 0 && ` (${given})`}</summary>
      <div class="context-fields">
        {field('workspace', 'Workspace', 'the default of execution.yaml')}
        {field('target_file', 'File, within the workspace', 'lib/duration.ex')}
        {field('budget', 'Budget for models, in dollars', 'none')}
        <label>
          <span>Priority</span>
          <select
            name="priority"
            value={draft.priority}
            onChange={(event) =>
              set({ priority: PRIORITIES.find((one) => one === event.currentTarget.value) ?? 'normal' })
            }
          >
            {PRIORITIES.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          <span>If a task fails for good</span>
          <select
            name="on_failure"
            value={draft.on_failure}
            onChange={(event) => set({ on_failure: event.currentTarget.value === 'ask' ? 'ask' : 'undo' })}
          >
            {Object.entries(ON_FAILURE).map(([value, title]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <label class="whole">
          <span>What must hold afterwards, one in each line</span>
          <textarea
            name="criteria"
            rows={2}
            value={draft.criteria}
            placeholder="notes.txt exists"
            onInput={(event) => set({ criteria: event.currentTarget.value })}
          />
        </label>
      </div>
    </details>
  )
}

/** For the shell of a person who copies it. */
const shellQuoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

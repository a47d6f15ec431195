/** A new execution: said in plain words, shown as a plan first, then run. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { CallError, call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { useKeys } from '../../app/keys.ts'
import { go, place, urlOf } from '../../app/router.ts'
import { refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { CommandLine } from '../../components/id.tsx'
import { type Answer, Question } from '../../components/question.tsx'
import { ErrorBlock } from '../../components/states.tsx'
import { type Draft, ON_FAILURE, PRIORITIES, queryOf, readDraft, requestOf } from './draft.ts'
import { PlanView } from './plan-view.tsx'
import { Picks, Understanding } from './understanding.tsx'

type Reply = Output<'execution.request'>
/** A dry run, of just these words. */
interface Shown {
  readonly of: string
  readonly key: string
  readonly reply: Reply
}

const TYPING_MS = 250

export default function NewExecution() {
  const [draft, setDraft] = useState<Draft>(() => readDraft(place.value.query))
  const [shown, setShown] = useState<Shown>()
  const [busy, setBusy] = useState<'dry run' | 'run'>()
  const [error, setError] = useState<Error>()
  const words = useRef<HTMLTextAreaElement>(null)
  const plan = useRef<HTMLElement>(null)
  const wanted = JSON.stringify(draft)
  const checked = requestOf(draft)

  useEffect(() => words.current?.focus(), [])
  // A reader of the screen continues at the plan, where the keys of the page work as well.
  useEffect(() => plan.current?.focus(), [shown?.key])
  useEffect(() => {
    const timer = setTimeout(() => go(urlOf('/new', queryOf(draft)), { replace: true }), TYPING_MS)
    return () => clearTimeout(timer)
  }, [wanted])
  useKeys('New execution', [
    { key: 'd', does: 'dry run', run: () => void dryRun(draft) },
    { key: 'R', does: 'run what the plan shows', run: () => void run() },
    // Of a question, its own field.
    ...(shown?.reply.question ? [] : [{ key: 'w', does: 'to the words', run: () => words.current?.focus() }]),
  ])

  const set = (changes: Partial<Draft>): void => setDraft((before) => ({ ...before, ...changes }))
  const fail = (cause: unknown): void => setError(cause instanceof Error ? cause : new Error(String(cause)))

  async function dryRun(of: Draft): Promise<void> {
    const found = requestOf(of)
    setError(undefined)
    if ('fault' in found) {
      words.current?.focus()
      return setError(new Error(found.fault))
    }
    setBusy('dry run')
    try {
      const reply = await call('execution.request', { ...found.request, dry_run: true })
      setShown({ of: JSON.stringify(of), key: newKey(), reply })
    } catch (cause) {
      setShown(undefined)
      fail(cause)
    } finally {
      setBusy(undefined)
    }
  }

  /** Other words replace those of before, and are shown as a plan before anything happens. */
  function pick(sentence: string): void {
    const next = { ...draft, task: sentence }
    setDraft(next)
    void dryRun(next)
  }

  const whyNot =
    refusal('execution.request') ??
    (busy
      ? 'Wait for the answer.'
      : shown === undefined
        ? 'See the plan first: Dry run.'
        : shown.of !== wanted
          ? 'The form has changed since this plan: Dry run again.'
          : shown.reply.question
            ? 'Answer the question first.'
            : undefined)

  async function run(): Promise<void> {
    if (whyNot !== undefined || 'fault' in checked || !shown) return
    setBusy('run')
    setError(undefined)
    try {
      // One plan is run once, however often the button is pressed.
      const reply = await call('execution.request', {
        ...checked.request,
        mode: 'background',
        idempotency_key: shown.key,
      })
      go(`/executions/${reply.execution_id}`)
    } catch (cause) {
      fail(cause)
      setBusy(undefined)
    }
  }

  /**
   * The execution is asked the same question as the dry run was, and the answer begins it; its plan then goes its ordinary
   * way, with its approval. Other words are a plan first.
   */
  async function answer(given: Answer): Promise<void> {
    if (busy) return
    if ('words' in given) return pick(given.words)
    const { option } = given
    if ('fault' in checked || !shown) return
    setBusy('run')
    setError(undefined)
    try {
      const asked = shown.reply.approval_id
        ? shown.reply
        : await call('execution.request', { ...checked.request, idempotency_key: shown.key })
      const same = asked.question?.options.find(({ id, reading }) => id === option.id && reading === option.reading)
      setShown({ ...shown, reply: asked })
      if (asked.question && asked.approval_id && !same) {
        setError(new Error('The question has changed meanwhile. Answer the one below.'))
        return
      }
      if (same && asked.approval_id) {
        await call('execution.choose', { approval_id: asked.approval_id, option: same.id })
      }
      go(`/executions/${asked.execution_id}`)
    } catch (cause) {
      fail(cause)
    } finally {
      setBusy(undefined)
    }
  }

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
          {shown && (
            <section
              ref={plan}
              class={shown.of === wanted ? 'panel' : 'panel outdated'}
              tabIndex={-1}
              aria-label="the plan"
              aria-live="polite"
            >
              <header>
                <h2>{shown.reply.question ? 'A question' : 'The plan'}</h2>
                <span class="quiet">
                  {shown.of === wanted ? 'A dry run: nothing was done, nothing was stored.' : 'Of earlier words.'}
                </span>
              </header>
              {shown.reply.question ? (
                <>
                  <Question
                    question={shown.reply.question}
                    reason={
                      refusal('execution.choose') ??
                      (shown.of === wanted ? undefined : 'The form has changed: Dry run again.')
                    }
                    onAnswer={(given) => void answer(given)}
                  />
                  {shown.reply.question.options.length > 0 && (
                    <p class="quiet">
                      An answer runs it, with its approval if it needs one. Other words are a plan first.
                    </p>
                  )}
                </>
              ) : (
                <PlanView reply={shown.reply} />
              )}
            </section>
          )}
          {draft.task.trim() !== '' && <CommandLine command={`run ${shellQuoted(draft.task)}`} />}
        </div>
        <Understanding task={draft.task} onPick={pick} />
      </div>
    </div>
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

/** Also where the page is not on a secure origin, and has no `randomUUID`. */
const newKey = (): string =>
  `console-${[...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`

/** For the shell of a person who copies it. */
const shellQuoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

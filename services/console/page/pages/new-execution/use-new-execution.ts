/** A draft of an execution: its plan, and its run. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import type { Output } from '../../app/contracts.ts'
import { go, place, urlOf } from '../../app/router.ts'
import { refusal } from '../../app/session.ts'
import type { Answer } from '../../components/question.tsx'
import { type Draft, queryOf, readDraft, requestOf } from './draft.ts'

type Reply = Output<'execution.request'>
/** A dry run, of just these words. */
export interface Shown {
  readonly of: string
  readonly key: string
  readonly reply: Reply
}

const TYPING_MS = 250

/** What is written, its plan, and what can be done with them. */
export function useNewExecution() {
  const [draft, setDraft] = useState<Draft>(() => readDraft(place.value.query))
  const [shown, setShown] = useState<Shown>()
  const [busy, setBusy] = useState<'dry run' | 'run'>()
  const [error, setError] = useState<Error>()
  const words = useRef<HTMLTextAreaElement>(null)
  const wanted = JSON.stringify(draft)
  const checked = requestOf(draft)

  useEffect(() => words.current?.focus(), [])
  useEffect(() => {
    const timer = setTimeout(() => go(urlOf('/new', queryOf(draft)), { replace: true }), TYPING_MS)
    return () => clearTimeout(timer)
  }, [wanted])

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

  return { draft, set, words, shown, current: shown?.of === wanted, busy, error, whyNot, dryRun, pick, run, answer }
}

/** Also where the page is not on a secure origin, and has no `randomUUID`. */
const newKey = (): string =>
  `console-${[...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`

/** What can be done with an execution in its present state, and why not. */
import type { ExecutionDetail } from '@deed/proto/execution'
import type { ExecutionStatus } from '@deed/proto/states'
import { statusWords } from '../../text/status-words.ts'

export type Verb = 'pause' | 'resume' | 'cancel' | 'retry' | 'rollback'

export interface VerbState {
  readonly verb: Verb
  /** On its button. */
  readonly title: string
  /** Why it does not apply; undefined if it does. */
  readonly reason: string | undefined
}

const TITLES: Readonly<Record<Verb, string>> = {
  pause: 'Pause',
  resume: 'Resume',
  cancel: 'Cancel',
  retry: 'Retry from here',
  rollback: 'Roll back',
}

const FORWARD: ReadonlySet<string> = new Set(['planning', 'waiting', 'running', 'accepted'])
const OPEN: ReadonlySet<string> = new Set([...FORWARD, 'paused', 'undoing'])
const RETRYABLE: ReadonlySet<string> = new Set<ExecutionStatus>(['failed', 'cancelled', 'rolled_back'])

/** @param refusal why the role of the person does not have a subject */
export function verbsFor(
  status: ExecutionDetail['status'],
  refusal: (subject: string) => string | undefined,
): VerbState[] {
  return (Object.keys(TITLES) as Verb[]).map((verb) => ({
    verb,
    title: TITLES[verb],
    reason: reasonAgainst(verb, status) ?? refusal(`execution.${verb}`),
  }))
}

function reasonAgainst(verb: Verb, status: ExecutionDetail['status']): string | undefined {
  const is = `It is ${statusWords(status).word}`
  switch (verb) {
    case 'pause':
      return FORWARD.has(status) ? undefined : `${is}; only what goes forward can be paused.`
    case 'resume':
      return status === 'paused' ? undefined : `${is}, and not paused.`
    case 'cancel':
      if (status === 'undoing') return 'It is being undone, and ends by itself.'
      return OPEN.has(status) ? undefined : `${is}; it has ended already.`
    case 'retry':
      return RETRYABLE.has(status) ? undefined : `${is}; what failed, was cancelled or was rolled back can be retried.`
    case 'rollback':
      if (status === 'rolled_back') return 'It is rolled back already.'
      return OPEN.has(status) ? `${is}; cancel it, and choose to undo what it did.` : undefined
  }
}

/** What will happen, in sentences, before it is confirmed. */
export const CONSEQUENCES: Readonly<Record<Exclude<Verb, 'rollback'>, string>> = {
  pause: 'No further task begins. Tasks that run now run to their end. Resume continues it.',
  resume: 'Its tasks begin again where they were paused.',
  cancel: 'No further task begins, and processes that run now are ended. What was done stays done, unless you undo it.',
  retry: 'It continues from the first task that is not done. What is done and approved stays as it is.',
}

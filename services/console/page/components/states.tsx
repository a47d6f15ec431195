/** What a part of the page shows while there is nothing to show, and what to do about it. */

import type { ComponentChildren } from 'preact'
import { CallError } from '../app/call.ts'
import type { ResourceState } from '../app/resource-state.ts'
import { Sign } from './sign.tsx'
import { Line } from './text.tsx'
import { Clock } from './time.tsx'

export function Loading({ what }: { what: string }) {
  return (
    <p class="state" aria-busy="true">
      Loading {what}…
    </p>
  )
}

/** @param children what to do next */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="state">
      <p>
        <strong>{title}</strong>
      </p>
      {children}
    </div>
  )
}

export function ErrorBlock({ error, onRetry }: { error: Error; onRetry?: (() => void) | undefined }) {
  return (
    <div class="state error" role="alert">
      <p>
        <strong>
          <Sign of="✕" /> <Line text={error.message} max={1_000} />
        </strong>
      </p>
      {error instanceof CallError && <p class="quiet">{error.code}</p>}
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  )
}

/** Loading, an error, or the value; a value that could not be read again is greyed, with its time. */
export function Loaded<T>({
  from,
  what,
  children,
}: {
  from: ResourceState<T> & { reload(): void }
  /** What is loaded, in words: "executions". */
  what: string
  children: (value: T) => ComponentChildren
}) {
  const { value, error, at } = from
  if (value === undefined) return error ? <ErrorBlock error={error} onRetry={from.reload} /> : <Loading what={what} />
  return (
    <div class={error ? 'loaded stale' : 'loaded'}>
      {error && at !== undefined && (
        <p class="stale-note" role="status">
          <span aria-hidden="true">! </span>Stale since <Clock at={at} />: {error.message}
        </p>
      )}
      {children(value)}
    </div>
  )
}

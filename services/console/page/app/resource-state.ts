/** The state of something that is loaded: its last value stays while the next one is on its way. */
import { type ReadonlySignal, signal } from '@preact/signals'

export interface ResourceState<T> {
  /** The last answer; undefined before the first. */
  readonly value: T | undefined
  /** Why the last attempt failed. The value of before is still there. */
  readonly error: Error | undefined
  readonly loading: boolean
  /** When the value was read, in milliseconds since 1970. */
  readonly at: number | undefined
}

export interface Resource<T> {
  readonly state: ReadonlySignal<ResourceState<T>>
  /** Loads again. Many calls at once are few loads: one at a time, and one more after it. */
  reload(): void
  /** Shows a value that the page itself has, until the next load. */
  put(value: T): void
  close(): void
}

/** Two loads begin at least this long after each other. */
const PAUSE_MS = 250
/** After a while without any, so many may follow each other sooner: what a person does is seen at once. */
const QUICK = 3
const QUICK_MS = 100
const RETRY_MS = 3_000

export function createResource<T>(
  load: (signal: AbortSignal) => Promise<T>,
  { pauseMs: pause = PAUSE_MS, retryMs = RETRY_MS }: { pauseMs?: number | (() => number); retryMs?: number } = {},
): Resource<T> {
  const state = signal<ResourceState<T>>({ value: undefined, error: undefined, loading: true, at: undefined })
  const ended = new AbortController()
  let running = false
  let again = false
  let startedAt = Number.NEGATIVE_INFINITY
  let credit = QUICK
  let timer: ReturnType<typeof setTimeout> | undefined

  const pauseNow = (): number => (typeof pause === 'number' ? pause : pause())

  function reload(): void {
    if (ended.signal.aborted) return
    if (running) {
      again = true
      return
    }
    clearTimeout(timer)
    timer = undefined
    const pauseMs = pauseNow()
    const waitMs = startedAt + (credit >= 1 ? Math.min(QUICK_MS, pauseMs) : pauseMs) - performance.now()
    if (waitMs > 0) timer = setTimeout(() => void run(), waitMs)
    else void run()
  }

  async function run(): Promise<void> {
    running = true
    again = false
    const now = performance.now()
    credit = Math.min(QUICK, credit + (now - startedAt) / Math.max(1, pauseNow())) - 1
    startedAt = now
    state.value = { ...state.value, loading: true }
    try {
      const value = await load(ended.signal)
      if (!ended.signal.aborted) state.value = { value, error: undefined, loading: false, at: Date.now() }
    } catch (cause) {
      if (ended.signal.aborted) return
      const error = cause instanceof Error ? cause : new Error(String(cause))
      state.value = { ...state.value, error, loading: false }
      if ((error as { retryable?: boolean }).retryable) timer = setTimeout(() => void run(), retryMs)
    } finally {
      running = false
      if (again) reload()
    }
  }

  return {
    state,
    reload,
    put(value) {
      if (!ended.signal.aborted) state.value = { ...state.value, value }
    },
    close() {
      ended.abort()
      clearTimeout(timer)
    },
  }
}

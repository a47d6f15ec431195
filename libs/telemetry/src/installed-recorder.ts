/** The place where the preload puts the tracing SDK, and where a span finds it: empty when tracing is off. */
import type { Span, SpanOptions } from './span.ts'

export interface Recorder {
  /** The part of new traces that is recorded, 0 to 1. */
  readonly ratio: number
  /** @param parent the one in the options, once it is known to be good */
  start(name: string, parent: string | undefined, options: SpanOptions): Span
  /** Sends what is recorded and not sent yet. */
  shutdown(): Promise<void>
}

export let recorder: Recorder | undefined

/** Takes the place of what was installed; `undefined` ends recording. */
export function installRecorder(next: Recorder | undefined): void {
  recorder = next
}

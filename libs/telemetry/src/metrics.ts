/**
 * What a process counts and measures. It costs a comparison unless metrics are served: the library is loaded by
 * `openMetrics` of `metric-registry.ts` only.
 */
import type { LabelsOf, MetricOf } from '@deed/proto/metrics'

/** Counts and measures: the library, installed where metrics are served. */
export interface MetricRecorder {
  count(name: string, labels: Readonly<Record<string, string>>, by: number, trace?: string): void
  observe(name: string, labels: Readonly<Record<string, string>>, value: number, trace?: string): void
}

let recorder: MetricRecorder | undefined

/** Replaces the recorder; `undefined` ends counting. */
export function installMetrics(next: MetricRecorder | undefined): void {
  recorder = next
}

/** Whether metrics are served, for what is costly to prepare. */
export const isMeasured = (): boolean => recorder !== undefined

/** Adds to a counter. @param by not negative */
export function count<Name extends MetricOf<'process', 'counter'>>(name: Name, labels: LabelsOf<Name>, by = 1): void {
  recorder?.count(name, labels, by)
}

/** Adds a value to a histogram. @param trace the `traceparent` of the work: an example of the value if it is sampled */
export function observe<Name extends MetricOf<'process', 'histogram'>>(
  name: Name,
  labels: LabelsOf<Name>,
  value: number,
  trace?: string,
): void {
  recorder?.observe(name, labels, value, trace)
}

/** The seconds since a time of `performance.now()`. */
export const secondsSince = (startedAt: number): number => (performance.now() - startedAt) / 1_000

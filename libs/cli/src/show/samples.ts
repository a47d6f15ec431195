/** Sums over the facts about the mesh. */
import type { Sample } from '@deed/proto/metric-samples'
import type { FactName } from '@deed/proto/metrics'

/** @returns the sum of a fact, over those of its labels that are as `only` says */
export const sumOf =
  (samples: readonly Sample[]) =>
  (of: FactName, only: Record<string, string> = {}): number =>
    samples
      .filter(({ name, labels }) => name === of && Object.entries(only).every(([label, is]) => labels[label] === is))
      .reduce((sum, { value }) => sum + value, 0)

/** In seconds; 0 without one. */
export const oldestApproval = (samples: readonly Sample[]): number =>
  Math.max(0, ...samples.filter(({ name }) => name === 'deed_approval_oldest_seconds').map(({ value }) => value))

/** deed metrics: whether Deed tells the truth, in figures. */
import { readMetrics, type Sample } from '@deed/proto/metric-samples'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { oldestApproval, sumOf } from '../show/samples.ts'

export function addMetrics(program: Command): void {
  program
    .command('metrics')
    .summary('whether it tells the truth, in figures')
    .description('What says whether Deed tells the truth, counted over the whole mesh since its beginning.')
    .addHelpText(
      'after',
      `
Example:
  deed metrics
--json has every fact that Prometheus is told of the whole mesh.`,
    )
    .action(async (_options: object, command: Command) => {
      const shell = shellOf(command)
      const { at, samples } = await withMesh(shell, (bus) => bus.call(readMetrics, {}))
      shell.out.document({ at, truth: truthOf(samples), samples })
      for (const [name, value] of Object.entries(linesOf(samples))) shell.out.print(`${name.padEnd(22)}  ${value}`)
    })
}

/** Whole numbers, but for the ratio: from 0 to 1, null where nothing was rolled back. */
function truthOf(samples: readonly Sample[]) {
  const sum = sumOf(samples)
  const undone = sum('deed_rollbacks_total', { outcome: 'rolled_back' })
  const notUndone = sum('deed_rollbacks_total', { outcome: 'rollback_failed' })
  return {
    false_successes: sum('deed_false_success_total'),
    duplicate_effects: sum('deed_duplicate_effects_total'),
    unverified_done: sum('deed_unverified_done_total'),
    rollbacks: undone + notUndone,
    rollback_success_ratio: undone + notUndone === 0 ? null : undone / (undone + notUndone),
  }
}

function linesOf(samples: readonly Sample[]): Record<string, string> {
  const { false_successes, duplicate_effects, unverified_done, rollbacks, rollback_success_ratio } = truthOf(samples)
  const sum = sumOf(samples)
  const share = rollback_success_ratio === null ? '-' : `${(rollback_success_ratio * 100).toFixed(1)} %`
  return {
    'false successes': String(false_successes),
    'duplicate effects': String(duplicate_effects),
    'done, not verified': String(unverified_done),
    'rollbacks succeeded': `${share} of ${rollbacks}`,
    'waiting for people': `${sum('deed_reviews_open')} reviews, oldest approval ${Math.round(oldestApproval(samples))} s`,
    'stuck executions': String(sum('deed_executions_stuck')),
    'alerts that fire': String(sum('deed_alerts_open')),
  }
}

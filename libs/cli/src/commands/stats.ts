/** deed stats: what the executions came to, in figures. */
import { counted } from '@deed/config/counted'
import { executionStats } from '@deed/proto/execution'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { dollars, duration } from '../terminal/amounts.ts'
import { moment } from '../terminal/options.ts'

export function addStats(program: Command): void {
  program
    .command('stats')
    .summary('how much was done, how well, and how fast')
    .description('Throughput, quality and latency of executions.')
    .option('--since <time>', '2026-11-21T08:00Z, or how long ago: 30m, 2h, 7d', moment)
    .addHelpText('after', '\nExample:\n  deed stats --since 24h')
    .action(async ({ since }: { since?: string }, command: Command) => {
      const shell = shellOf(command)
      const stats = await withMesh(shell, (bus) => bus.call(executionStats, since === undefined ? {} : { since }))
      shell.out.document(stats)
      const share = (rate: number | null): string => (rate === null ? '-' : `${(rate * 100).toFixed(1)} %`)
      const time = (ms: number | null): string => (ms === null ? '-' : duration(ms))
      const counts = (of: Record<string, number>): string =>
        Object.entries(of)
          .map(([name, n]) => `${name} ${n}`)
          .join(', ') || '-'
      for (const [name, value] of [
        ['executions', `${stats.total}, ${stats.running} running`],
        ['status', counts(stats.by_status)],
        ['method', counts(stats.by_method)],
        ['templates', counts(stats.templates)],
        ['success', share(stats.success_rate)],
        ['verified', share(stats.verification_rate)],
        ['undone', share(stats.rollback_rate)],
        ['cached', share(stats.cache_hit_rate)],
        ['time', `p50 ${time(stats.p50_ms)}, p95 ${time(stats.p95_ms)}, p99 ${time(stats.p99_ms)}`],
        ['models', `${counted(stats.tokens_used, 'token')}, ${dollars(stats.cost_usd)}`],
      ] as const) {
        shell.out.print(`${name.padEnd(10)}  ${value}`)
      }
    })
}

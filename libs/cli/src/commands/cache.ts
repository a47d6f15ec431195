/** deed cache: what is kept, how often it is served, and how many hits may be wrong. */
import { counted } from '@deed/config/counted'
import { cacheStats, invalidateCache, listCache, reportCache } from '@deed/proto/cache'
import { getExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import type { Command } from 'commander'
import { z } from 'zod'
import { shellOf, withMesh } from '../connect/shell.ts'
import { type Column, table } from '../show/table.ts'
import { duration } from '../terminal/amounts.ts'
import { UsageError } from '../terminal/exit-code.ts'
import { idText, wholeId } from '../terminal/find-id.ts'
import { count } from '../terminal/options.ts'

const SHOWN = 50

export function addCache(program: Command): void {
  const cache = program
    .command('cache')
    .summary('answers and plans that are kept, and how sure they are')
    .description('Answers and plans that are kept, how often they are served, and how many hits may be wrong.')
    .addHelpText(
      'after',
      `
What is answered from the cache, and what never is: see docs/cache.md.

Examples:
  deed cache stats
  deed cache show
  deed cache wrong 5f6a7b8c
  deed cache invalidate 5f6a7b8c`,
    )
  cache
    .command('stats', { isDefault: true })
    .description('size, hits, and the bound of wrong hits')
    .addHelpText('after', '\nExample:\n  deed cache stats')
    .action(async (_options: object, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const stats = await withMesh(shell, (bus) => bus.call(cacheStats, {}))
      out.document(stats)
      const same = stats.hits - stats.similar_hits
      const { judged, wrong, wrong_max: max } = stats.wrong_hits
      for (const [name, value] of [
        ['kept', `${counted(stats.entries, 'entry', 'entries')}, ${counted(stats.bytes, 'byte')}`],
        [
          'hits',
          `${same} on the same words, ${stats.similar_hits} on similar ones; ${counted(stats.misses, 'miss', 'misses')}`,
        ],
        ['hit rate', `${share(stats.hit_rate)}; of answers to similar words at most ${share(max)} are wrong (95 %)`],
        ['judged', `${counted(judged, 'answer')} to similar words, ${wrong} wrong`],
        ['evicted', String(stats.evictions)],
      ] as const)
        out.print(`${name.padEnd(10)}  ${value}`)
      if (stats.scopes.length === 0) return
      const columns: Column<(typeof stats.scopes)[number]>[] = [
        { heading: 'SCOPE', cell: ({ scope }) => scope.slice(0, 12) },
        { heading: 'KIND', cell: ({ kind }) => kind },
        { heading: 'BY', cell: ({ way }) => way },
        { heading: 'VECTOR', cell: ({ vector = '' }) => vector, optional: true },
        { heading: 'JUDGED', cell: (scope) => String(scope.judged) },
        { heading: 'WRONG', cell: (scope) => String(scope.wrong) },
        { heading: 'AT MOST', cell: (scope) => share(scope.wrong_max) },
        { heading: 'SERVED', cell: ({ kind, open }) => (kind === 'solution' ? 'as a plan' : open ? 'yes' : 'no') },
        { heading: 'CLOSED', cell: ({ closed_at: at }) => at ?? '', optional: true },
      ]
      out.print(table(columns, stats.scopes, out.paint, out.width))
    })
  cache
    .command('show')
    .argument('[execution]', 'that found it: its id, or the end of it', idText)
    .option('--limit <n>', 'entries shown, at most 200', count, SHOWN)
    .description('the entries, newest first')
    .addHelpText('after', '\nExamples:\n  deed cache show\n  deed cache show 5f6a7b8c')
    .action(async (execution: string | undefined, { limit }: { limit: number }, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const page = await withMesh(shell, async (bus) => {
        const id = execution === undefined ? undefined : await wholeId<ExecutionId>(bus, ['execution'], execution)
        return bus.call(listCache, { limit: Math.min(limit, 200), ...(id === undefined ? {} : { execution_id: id }) })
      })
      out.document(page)
      if (page.entries.length === 0) return out.note('nothing is kept')
      const columns: Column<(typeof page.entries)[number]>[] = [
        { heading: 'EXECUTION', cell: ({ execution_id: id }) => id, id: true },
        { heading: 'KIND', cell: ({ kind }) => kind },
        { heading: 'AGE', cell: ({ age_ms: ms }) => duration(ms) },
        { heading: 'LEFT', cell: ({ expires_in_ms: ms }) => duration(Math.max(0, ms)), optional: true },
        { heading: 'HITS', cell: ({ hits }) => String(hits), optional: true },
        { heading: 'WORDS', cell: ({ text }) => text, fills: true },
      ]
      out.print(table(columns, page.entries, out.paint, out.width))
    })
  cache
    .command('wrong')
    .argument('<execution>', 'that got the wrong answer from the cache: its id, or the end of it', idText)
    .description('report a wrong answer: it is removed, and its scope serves nothing until it is certified again')
    .addHelpText('after', '\nExample:\n  deed cache wrong 5f6a7b8c')
    .action(async (execution: string, _options: object, command: Command) => {
      const shell = shellOf(command)
      const reply = await withMesh(shell, async (bus) => {
        const execution_id = await wholeId<ExecutionId>(bus, ['execution'], execution)
        const { verification } = await bus.call(getExecution, { execution_id })
        const hit = verification.flatMap(({ facts }) => CacheFacts.safeParse(facts).data ?? [])[0]
        if (!hit) throw new UsageError('this execution has no answer of the cache')
        return bus.call(reportCache, hit)
      })
      shell.out.document(reply)
      const removed = `${counted(reply.removed, 'entry', 'entries')} removed`
      shell.out.print(reply.closed ? `${removed}; its scope serves nothing until it is certified again` : removed)
    })
  cache
    .command('invalidate')
    .argument('[execution]', 'what it found: its id, or the end of it', idText)
    .option('--all', 'every entry of the tenant')
    .description('serve it no more: the next request is computed again')
    .addHelpText('after', '\nExamples:\n  deed cache invalidate 5f6a7b8c\n  deed cache invalidate --all')
    .action(async (execution: string | undefined, { all = false }: { all?: boolean }, command: Command) => {
      if ((execution === undefined) !== all) throw new UsageError('give an execution, or --all')
      const shell = shellOf(command)
      const reply = await withMesh(shell, async (bus) =>
        bus.call(
          invalidateCache,
          execution === undefined
            ? { all: true }
            : { execution_id: await wholeId<ExecutionId>(bus, ['execution'], execution) },
        ),
      )
      shell.out.document(reply)
      shell.out.print(`${counted(reply.removed, 'entry', 'entries')} invalidated`)
    })
}

/** How evidence names the entry that was served, and its scope if the words were only similar. */
const CacheFacts = z
  .object({ cache_entry: z.uuid(), cache_scope: z.string().optional(), similarity: z.number().optional() })
  .transform(({ cache_entry: entry_id, cache_scope: scope, similarity }) => ({
    entry_id,
    ...(scope !== undefined && similarity !== undefined && { similar: { scope, similarity } }),
  }))

const share = (rate: number | null): string => (rate === null ? '-' : `${(rate * 100).toFixed(1)} %`)

/** deed analyze: what is known of a codebase. deed search: places in it, by words. */
import { resolve } from 'node:path'
import { analyzeCodebase, PLACES_MAX, searchCode } from '@deed/proto/code'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { codebaseText, meaningText, placesText, unfinishedText } from '../show/codebase.ts'
import { count } from '../terminal/options.ts'
import type { Output } from '../terminal/output.ts'

const LIMIT = 10
const LINES = 3

export function addAnalyze(program: Command): void {
  program
    .command('analyze [dir]')
    .summary('languages, parts, complexity and hot spots of a codebase')
    .description(
      'Languages, parts and their imports, tests, complexity, and what is complex and changes often. The folder is in a workspace; without one, it is the default workspace. It is read once, and then only what has changed.',
    )
    .option('--limit <n>', `the length of each list (default ${LIMIT})`, count)
    .addHelpText('after', '\nExamples:\n  deed analyze\n  deed analyze services/api --limit 20\n  deed analyze --json')
    .action(async (dir: string | undefined, { limit = LIMIT }: { limit?: number }, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const request = { ...folderOf(dir), limit }
      const found = await withMesh(shell, (bus) => complete(out, () => bus.call(analyzeCodebase, request)))
      out.document(found)
      out.print(codebaseText(found, out))
      noteUnfinished(out, found.index)
    })
}

export function addSearch(program: Command): void {
  program
    .command('search <words...>')
    .summary('places in a codebase, by words and by meaning')
    .description(
      'Functions, classes and other places whose names and text have the words, best first. A part of a name is enough: http finds parseHttpRequest. Where a local model embeds, also those of a similar meaning.',
    )
    .option('--in <dir>', 'a folder in a workspace (default: the default workspace)')
    .option('--limit <n>', `how many places, up to ${PLACES_MAX} (default ${LIMIT})`, count)
    .option('--lines <n>', `how many lines of each (default ${LINES})`, count)
    .addHelpText(
      'after',
      '\nExamples:\n  deed search parse request\n  deed search "lease extended" --in services/executor --lines 10',
    )
    .action(async (words: string[], options: SearchOptions, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const { limit = LIMIT, lines = LINES } = options
      const request = { ...folderOf(options.in), words: words.join(' '), limit, lines }
      const found = await withMesh(shell, (bus) => complete(out, () => bus.call(searchCode, request)))
      out.document(found)
      out.print(found.places.length === 0 ? 'No place has these words.' : placesText(found, out))
      if (found.unknown_words.length > 0) out.note(`nowhere: ${found.unknown_words.join(', ')}`)
      out.note(meaningText(found))
      noteUnfinished(out, found.index)
      if (found.places.length === 0) process.exitCode = 1
    })
}

interface SearchOptions {
  in?: string
  limit?: number
  lines?: number
}

const folderOf = (dir: string | undefined) => (dir === undefined ? {} : { workspace: resolve(dir) })

interface Indexed {
  index: Parameters<typeof unfinishedText>[0]
}

/** Asks again as long as files are left and each answer has read some of them. */
async function complete<Found extends Indexed>(out: Output, ask: () => Promise<Found>): Promise<Found> {
  for (;;) {
    const found = await ask()
    if (found.index.stopped?.why !== 'time' || found.index.read === 0) return found
    out.progress(`${found.index.files} files read, ${found.index.stopped.left} left`)
  }
}

function noteUnfinished(out: Output, index: Indexed['index']): void {
  const text = unfinishedText(index)
  if (text !== undefined) out.note(text)
}

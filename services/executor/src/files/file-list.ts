/**
 * file.list: what is in a folder, or matches a glob: names, sizes, times. Proved by reading the folders again.
 */
import { lstatSync, type Stats } from 'node:fs'
import { counted } from '@deed/config/counted'
import { canonicalJson, sha256 } from '@deed/json/canonical-json'
import { exposedName } from '@deed/text/exposed-text'
import { z } from 'zod'
import type { Context, Effect, Kind } from '../kind/kind.ts'
import { readingOnly } from '../kind/reading-only.ts'
import { shownName } from './file-name.ts'
import { openFolder } from './folder.ts'
import { linesWithin } from './lines-within.ts'
import { placesNamed } from './named-places.ts'
import { lastOf } from './regular-file.ts'
import type { Found } from './walk-files.ts'

const ENTRIES_SHOWN = 1_000
/** More are neither counted nor shown. */
const ENTRIES_MAX = 100_000

const Input = z.strictObject({
  /** A folder, a file, or a glob such as `logs/*.log` or `src/**`. */
  path: z.string().min(1).max(4096).default('.'),
})
export type FileList = z.output<typeof Input>

export const fileList: Kind<FileList> = {
  ...readingOnly,
  name: 'file.list',
  version: 1,
  waits: true,
  input: Input,
  example: { path: 'logs/*.log' },
  summary: ({ path }) => `list ${path === '.' ? 'the workspace' : path}`,
  async before({ path }, context) {
    placesNamed(path, context)
    return { state: 'read' }
  },
  postcondition: () => ({ kind: 'same_again' }),
  execute: async ({ path }, context) => effectOf(path, await list(path, context)),
  async again({ path }, context, first) {
    const newer = effectOf(path, await list(path, context))
    const facts = newer.facts ?? {}
    if (facts.names === first.facts?.names) {
      const observed = `read again, ${path} has the same names`
      if (facts.sha256 === first.facts?.sha256) return { outcome: 'verified', same: true, observed, facts }
      // Who writes to a log changes its size between any two looks.
      return {
        outcome: 'verified',
        same: true,
        observed: `${observed}, of which some have been written to since`,
        facts,
        result: newer.result,
      }
    }
    Object.assign(first, newer)
    return { outcome: 'failed', same: false, observed: `read again, ${path} has other names`, facts }
  },
}

interface Entry {
  readonly path: string
  readonly type: Found['type']
  readonly bytes: number
  /** When it was last written, in ISO 8601. */
  readonly modified: string
}

interface Listing {
  readonly entries: readonly Entry[]
  readonly total: number
  /** There are more than were counted. */
  readonly more: boolean
}

async function list(path: string, context: Context): Promise<Listing> {
  const places = placesNamed(path, context)
  const found: Found[] = []
  let more = false
  for await (const one of places.walk(false)) {
    more = found.length === ENTRIES_MAX
    if (more) break
    found.push(one)
  }
  const entries = found.slice(0, ENTRIES_SHOWN).flatMap((one) => {
    const stat = statOf(one, context)
    if (!stat) return []
    const { size: bytes, mtime } = stat
    return { path: places.shown(one), type: one.type, bytes, modified: mtime.toISOString() }
  })
  return { entries, total: found.length, more }
}

function statOf({ segments }: Found, { workspace }: Context): Stats | undefined {
  using folder = openFolder(workspace, segments.slice(0, -1))
  return folder && lstatSync(folder.at(lastOf(segments)), { throwIfNoEntry: false })
}

function effectOf(path: string, { entries, total, more }: Listing): Effect {
  const count = `${counted(total, 'entry', 'entries')}${more ? ' or more' : ''}`
  const truncated = more || entries.length < total
  const where = path === '.' ? 'the workspace' : shownName(path)
  const lines = entries.map(({ path: name, type, bytes, modified }) => {
    const size = type === 'file' ? amountOf(bytes) : type
    return `${size.padStart(9)}  ${modified.slice(0, 16).replace('T', ' ')}  ${exposedName(shownName(name))}${type === 'folder' ? '/' : ''}`
  })
  const head = total === 0 ? `nothing is in ${where}` : `${count} in ${where}`
  return {
    claimed: `listed ${count} of ${where}`,
    result: {
      text: linesWithin([head, ...lines], total + 1),
      data: {
        path,
        entries: entries.map((entry) => ({ ...entry, path: shownName(entry.path) })),
        total,
        truncated,
      },
    },
    facts: {
      entries: total,
      names: sha256(canonicalJson(entries.map(({ path: name, type }) => [name, type]))),
      sha256: sha256(canonicalJson(entries as unknown as object[])),
    },
  }
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

function amountOf(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  return `${(bytes / 1_000 ** unit).toFixed(unit === 0 ? 0 : 1)} ${UNITS[unit]}`
}

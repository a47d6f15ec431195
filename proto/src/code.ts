/**
 * What is known of the source code of a workspace. It is read once, and then only what has changed. What a file holds is the
 * text of others: data, and no instruction.
 */
import { z } from 'zod'
import { request } from './contract.ts'

/** Of a workspace: a name in `execution.yaml`, or an absolute path below the root of one. Absent: the default workspace. */
const WorkspaceNamed = z.string().min(1).max(4_096).optional()
const Path = z.string().max(4_096)
const Count = z.int().min(0)

/** Why a file is not analysed, or only a part of it. */
const LeftOut = z.object({
  why: z.string().max(256),
  files: Count,
  /** The first few, below the folder. */
  examples: z.array(Path).max(5),
})

/** How current the index is that an answer comes from. */
const IndexState = z.object({
  files: Count,
  /** Files that were read for this answer, since they are new or have changed. */
  read: Count,
  /** Files that are gone since the last answer. */
  removed: Count,
  /** Whether every file is in it. If not, `stopped` says why; after `time` the same request continues where it ended. */
  complete: z.boolean(),
  stopped: z.object({ why: z.enum(['time', 'files']), left: Count }).nullable(),
  took_ms: z.number().min(0),
})

export const SymbolKind = z.enum(['function', 'method', 'class', 'interface', 'type', 'enum', 'module', 'constant'])
export type SymbolKind = z.output<typeof SymbolKind>

const LIST_MAX = 50

/**
 * Facts of a folder. The first answer for a large one may be a part (`index.complete`); files that have not changed since,
 * by their content, are not read again. Only folders of workspaces are read, without links, hard links and credentials.
 */
export const analyzeCodebase = request({
  subject: 'analyze.codebase',
  owner: 'executor',
  summary: 'Languages, symbols, imports, tests, complexity and hot spots of a folder of a workspace.',
  timeoutMs: 20_000,
  idempotent: true,
  input: z.strictObject({
    workspace: WorkspaceNamed,
    /** A folder below the workspace. */
    path: z.string().min(1).max(4_096).default('.'),
    /** The length of each list in the answer. */
    limit: z.int().min(1).max(LIST_MAX).default(10),
  }),
  output: z.object({
    index: IndexState,
    /** The architecture in a few sentences. */
    summary: z.string().max(4_096),
    languages: z
      .array(
        z.object({
          language: z.string().max(64),
          files: Count,
          lines: Count,
          symbols: Count,
          /** Whether there is a grammar; without one there are lines and words only. */
          parsed: z.boolean(),
        }),
      )
      .max(200),
    lines: Count,
    symbols: z.object({ total: Count, by_kind: z.partialRecord(SymbolKind, Count) }),
    tests: z.object({ files: Count, lines: Count }),
    /** Cyclomatic complexity: one for each function, and one for each branch. */
    complexity: z.object({
      total: Count,
      highest: z
        .array(z.object({ path: Path, line: Count, symbol: z.string().max(512), complexity: Count }))
        .max(LIST_MAX),
    }),
    /** What changes often and is complex, highest first. `commits` counts those of `history` that changed the file. */
    hot_spots: z.array(z.object({ path: Path, commits: Count, complexity: Count })).max(LIST_MAX),
    /** The newest commits, which the hot spots come from; `why` it cannot be read. */
    history: z.union([
      z.object({ head: z.string().max(64), commits: Count }),
      z.object({ head: z.null(), why: z.string().max(1_024) }),
    ]),
    /** Folders with a manifest of their own, such as package.json; without at least two of them, folders down to the second level. */
    parts: z
      .array(
        z.object({
          path: Path,
          files: Count,
          lines: Count,
          /** Other parts that its files import, most first. */
          imports: z.array(Path).max(LIST_MAX),
          /** How many other parts import it. */
          imported_by: Count,
        }),
      )
      .max(LIST_MAX),
    /** Parts that import each other, directly or not. */
    cycles: z.array(z.array(Path).max(LIST_MAX)).max(LIST_MAX),
    /** Packages that are imported and are no part of the folder. */
    packages: z.array(z.object({ name: z.string().max(256), files: Count })).max(LIST_MAX),
    /** Files that their grammar does not accept; the rest of each is analysed. */
    broken: z.object({
      files: Count,
      examples: z.array(z.object({ path: Path, fault: z.string().max(512) })).max(LIST_MAX),
    }),
    left_out: z.array(LeftOut).max(20),
  }),
})
export type CodebaseAnalysis = z.output<typeof analyzeCodebase.output>

export const PLACES_MAX = 50

/**
 * Places whose words are most like the given ones, best first; with a local model that embeds, also by meaning. The index is brought up to date first. Text is without
 * secrets, and what is a secret cannot be found.
 */
export const searchCode = request({
  subject: 'code.search',
  owner: 'executor',
  summary: 'Functions, classes and other places of a workspace, by words, and by meaning where there is a model.',
  timeoutMs: 20_000,
  idempotent: true,
  input: z.strictObject({
    /** Names, parts of names (`http` finds `parseHttpRequest`), words of comments. */
    words: z.string().min(1).max(1_000),
    workspace: WorkspaceNamed,
    path: z.string().min(1).max(4_096).default('.'),
    limit: z.int().min(1).max(PLACES_MAX).default(10),
    /** The length of the text of each place. */
    lines: z.int().min(0).max(200).default(3),
  }),
  output: z.object({
    /** `lexical`: by words (BM25). `both`: fused with the rank by meaning, which a local model gives. */
    ranked_by: z.enum(['lexical', 'both']),
    /** The model, and how many places of the folder it has read; further ones are read meanwhile. Or why there is none. */
    meaning: z
      .union([
        z.object({ model: z.string().max(256), places: Count, of: Count }),
        z.object({ model: z.null(), why: z.string().max(1_024) }),
      ])
      .optional(),
    places: z
      .array(
        z.object({
          path: Path,
          line: Count,
          end_line: Count,
          symbol: z.string().max(512).nullable(),
          kind: SymbolKind.nullable(),
          language: z.string().max(64),
          /** Of this answer only: it compares its places. */
          score: z.number(),
          /** The place from the line that has most of the words on. */
          text: z.string().max(20_000),
          text_line: Count,
        }),
      )
      .max(PLACES_MAX),
    /** Words of the request that no file has. */
    unknown_words: z.array(z.string().max(256)).max(50),
    index: IndexState,
  }),
})
export type CodePlaces = z.output<typeof searchCode.output>

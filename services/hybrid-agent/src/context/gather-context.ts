/**
 * Asks the mesh for what a model should know of the world of a task: facts of the workspace, code that is like its words,
 * and notes of the organization. What cannot be had is left out, with the reason: no task fails for it.
 */
import type { Bus } from '@deed/mesh/bus'
import type { AgentTask, WorkSolve } from '@deed/proto/agent'
import { analyzeCodebase, searchCode } from '@deed/proto/code'
import type { RequestContract } from '@deed/proto/contract'
import { DeedError } from '@deed/proto/errors'
import { recall } from '@deed/proto/organization-notes'
import type { Trace } from '@deed/telemetry/trace-context'
import type { z } from 'zod'
import { cleanForeign } from '../models/clean-text.ts'
import type { EarlierCall } from '../store/model-calls.ts'
import type { ContextItem } from './pack-context.ts'

export interface Gathered {
  readonly items: readonly ContextItem[]
  /** `similar_code: no service answers`. */
  readonly missing: readonly string[]
}

export interface GatherOptions {
  readonly bus: Pick<Bus, 'call'>
  /** Calls of earlier attempts at the same task. */
  readonly earlier: readonly EarlierCall[]
  readonly trace: Trace
  readonly signal: AbortSignal
}

const GATHER_MS_MAX = 4_000
const PLACES = 8
const PLACE_LINES = 60
const MEMORIES = 5
const LANGUAGES = 5
const WORDS_MAX = 12
const WORD_CHARS_MIN = 4
/** What each source is worth: what went wrong before says most. */
const VALUES = { earlier_attempts: 1, workspace_facts: 0.9, similar_code: 0.8, memories: 0.5 } as const
/** Of an item by its rank among those of its source. */
const falling = (value: number, rank: number): number => value / (1 + rank / 4)

/** Tasks whose solution is code. */
const CODE_TYPES = new Set([
  ...['testing', 'bugfix', 'nats_consumer', 'api_endpoint', 'database', 'microservice', 'web_component'],
  ...['refactoring', 'performance', 'data_processing'],
])

export const isAboutCode = ({ language, target_file, type }: AgentTask): boolean =>
  language !== undefined || target_file !== undefined || (type !== undefined && CODE_TYPES.has(type))

export async function gatherContext(work: WorkSolve, options: GatherOptions): Promise<Gathered> {
  const { task } = work
  const missing: string[] = []
  const sources = [memories(work, options), ...(isAboutCode(task) ? [facts(work, options), code(work, options)] : [])]
  const items = await Promise.all(
    sources.map(async ({ source, items }) => {
      try {
        return await items()
      } catch (error) {
        options.signal.throwIfAborted()
        if (!(error instanceof DeedError)) throw error
        missing.push(`${source}: ${error.message}`)
        return []
      }
    }),
  )
  return { items: [...attempts(work, options), ...items.flat()], missing }
}

interface Source {
  readonly source: ContextItem['source']
  items(): Promise<ContextItem[]>
}

/** What was wrong with the answers of models in earlier attempts; those of this one see it in their conversation. */
function attempts({ token }: WorkSolve, { earlier }: GatherOptions): ContextItem[] {
  const problems = earlier.filter((call) => call.token < token && call.problem !== null).toReversed()
  return problems.map(({ model, problem }, rank) => ({
    ...{ source: 'earlier_attempts' as const, of: model, text: cleanForeign(problem ?? '') },
    value: falling(VALUES.earlier_attempts, rank),
  }))
}

/** In Deed's own words: no text of the workspace is in them. */
function facts(work: WorkSolve, options: GatherOptions): Source {
  return {
    source: 'workspace_facts',
    async items() {
      const found = await ask(analyzeCodebase, { ...workspaceOf(work.task), limit: 1 }, work, options)
      if (found.index.files === 0) return []
      const languages = found.languages
        .slice(0, LANGUAGES)
        .map(({ language, files }) => `${language} in ${files} files`)
      const text = `${found.index.files} files: ${languages.join(', ')}. ${found.tests.files} of them are tests.`
      return [{ source: 'workspace_facts', of: 'workspace', text, value: VALUES.workspace_facts }]
    },
  }
}

function code(work: WorkSolve, options: GatherOptions): Source {
  return {
    source: 'similar_code',
    async items() {
      const { description, target_file: file = '' } = work.task
      const words = `${file} ${description}`.slice(0, 1_000)
      const request = { ...workspaceOf(work.task), words, limit: PLACES, lines: PLACE_LINES }
      const { places } = await ask(searchCode, request, work, options)
      return places.map(({ path, text_line, text }, rank) => ({
        ...{ source: 'similar_code' as const, of: cleanForeign(`${path}:${text_line}`), text: cleanForeign(text) },
        value: falling(VALUES.similar_code, rank),
      }))
    },
  }
}

function memories(work: WorkSolve, options: GatherOptions): Source {
  return {
    source: 'memories',
    async items() {
      const words = work.task.description.toLowerCase().match(/[\p{L}\p{N}_-]+/gu) ?? []
      const longest = [...new Set(words)].filter((word) => word.length >= WORD_CHARS_MIN).slice(0, WORDS_MAX)
      if (longest.length === 0) return []
      const query = longest
        .map((word) => `"${word}"`)
        .join(' or ')
        .slice(0, 512)
      const { memories: found } = await ask(recall, { query, limit: MEMORIES }, work, options)
      return found.map(({ key, by, content }, rank) => ({
        ...{ source: 'memories' as const, of: `${by}/${key}`, text: cleanForeign(content) },
        value: falling(VALUES.memories, rank),
      }))
    },
  }
}

/** A service that does not answer now is not waited for. */
const ask = <C extends RequestContract>(
  contract: C,
  input: z.input<C['input']>,
  { tenant }: WorkSolve,
  { bus, signal, trace }: GatherOptions,
): Promise<z.output<C['output']>> =>
  bus.call(contract, input, {
    ...{ principal: { tenant, user: 'hybrid-agent' }, timeoutMs: GATHER_MS_MAX, patient: false },
    ...{ signal, trace },
  })

const workspaceOf = ({ context }: AgentTask) =>
  typeof context?.workspace === 'string' ? { workspace: context.workspace } : {}

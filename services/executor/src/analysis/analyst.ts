/**
 * Analyses codebases in a thread of its own, so that no attempt waits for a parser. The thread is started by the first
 * request and ends when none has come for a while; what it knows is on disk.
 */
import { Worker } from 'node:worker_threads'
import type { ExecutionConfig } from '@deed/config/execution-config'
import { MODULE_EXTENSION } from '@deed/config/module-extension'
import type { CodebaseAnalysis, CodePlaces } from '@deed/proto/code'
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { World } from '../kind/kind.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { QueryVector, TextToEmbed } from './nearest-places.ts'
import type { History } from './read-history.ts'

export interface ThreadData {
  readonly dataFolder: string
  readonly secrets: ExecutionConfig['secrets']
  readonly env: Readonly<Record<string, string | undefined>>
}

interface SearchWork {
  readonly words: string
  readonly limit: number
  readonly lines: number
  readonly vector?: QueryVector | undefined
}

/** Reads no files but those whose places have no vector of the model. */
interface TextsWork {
  readonly model: string
  readonly max: number
}

interface VectorsWork {
  readonly model: string
  /** By the hash of the text. */
  readonly vectors: readonly (readonly [string, Float32Array])[]
}

interface SummaryWork {
  readonly history: History
  readonly limit: number
}

export interface AnalysisRequest {
  readonly id: number
  /** Its base is the folder. */
  readonly workspace: Workspace
  /** Paths that `.gitignore` leaves out; a folder stands for everything in it. */
  readonly ignored: readonly string[]
  /** For reading files; what is not read by then is left for the next request. */
  readonly budgetMs: number
  readonly work: SearchWork | SummaryWork | TextsWork | VectorsWork
}

/** `fault`: a bug, with its stack. */
export type AnalysisReply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: ErrorBody }
  | { readonly id: number; readonly fault: string }

type Given<Work> = Omit<AnalysisRequest, 'id' | 'work'> & Work
type GivenFolder<Work> = Pick<AnalysisRequest, 'workspace'> & Work

export type Found = Omit<CodePlaces, 'ranked_by' | 'meaning'> & {
  /** Places of the folder, and those with a vector of the model. */
  readonly vectors?: { readonly places: number; readonly of: number }
}

export interface Analyst extends AsyncDisposable {
  /** @throws {DeedError} `unavailable` when the thread has ended; the signal's reason */
  summarize(request: Given<SummaryWork>, signal: AbortSignal): Promise<CodebaseAnalysis>
  /** @throws as `summarize` */
  find(request: Given<SearchWork>, signal: AbortSignal): Promise<Found>
  /** Texts of places without a vector of the model. @throws as `summarize` */
  textsToEmbed(request: GivenFolder<TextsWork>, signal: AbortSignal): Promise<readonly TextToEmbed[]>
  /** @throws as `summarize` */
  putVectors(request: GivenFolder<VectorsWork>, signal: AbortSignal): Promise<void>
}

const IDLE_MS = 10 * 60_000
const NO_FILES = { ignored: [], budgetMs: 0 }
const MEMORY_MB_MAX = 1_024

/** @param idleMs after which the thread ends */
export function openAnalyst({ dataFolder, config, env }: World, idleMs = IDLE_MS): Analyst {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let [thread, timer, lastId]: [Worker | undefined, NodeJS.Timeout | undefined, number] = [undefined, undefined, 0]

  function start(): Worker {
    const data: ThreadData = { dataFolder, secrets: config.secrets, env: { ...env } }
    const started = new Worker(new URL(`./analysis-thread${MODULE_EXTENSION}`, import.meta.url), {
      workerData: data,
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB_MAX },
    })
    started.unref()
    started.on('message', onReply)
    const onEnd = (why: string) => {
      if (thread !== started) return
      thread = undefined
      for (const { reject } of waiting.values()) reject(new DeedError('unavailable', `the analysis has ended: ${why}`))
      waiting.clear()
    }
    started.on('error', ({ message }) => onEnd(message))
    started.on('exit', (code) => onEnd(`its thread ended with ${code}`))
    return started
  }

  function onReply(reply: AnalysisReply): void {
    const open = waiting.get(reply.id)
    waiting.delete(reply.id)
    if ('answer' in reply) open?.resolve(reply.answer)
    else if ('fault' in reply) open?.reject(new Error(reply.fault))
    else open?.reject(new DeedError(reply.error.code, reply.error.message))
    if (waiting.size === 0) timer = setTimeout(() => void thread?.terminate(), idleMs).unref()
  }

  async function ask(request: Omit<AnalysisRequest, 'id'>, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted()
    clearTimeout(timer)
    thread ??= start()
    const id = ++lastId
    const answer = Promise.withResolvers<unknown>()
    waiting.set(id, answer)
    const onAbort = () => answer.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    thread.postMessage({ ...request, id } satisfies AnalysisRequest)
    try {
      return await answer.promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  return {
    summarize: async ({ workspace, ignored, budgetMs, ...work }, signal) =>
      (await ask({ workspace, ignored, budgetMs, work }, signal)) as CodebaseAnalysis,
    find: async ({ workspace, ignored, budgetMs, ...work }, signal) =>
      (await ask({ workspace, ignored, budgetMs, work }, signal)) as Found,
    textsToEmbed: async ({ workspace, ...work }, signal) =>
      (await ask({ workspace, ...NO_FILES, work }, signal)) as readonly TextToEmbed[],
    async putVectors({ workspace, ...work }, signal) {
      await ask({ workspace, ...NO_FILES, work }, signal)
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer)
      await thread?.terminate()
    },
  }
}

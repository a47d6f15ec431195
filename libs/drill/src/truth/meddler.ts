/** Somebody who changes files at once when they appear, change or go: a thread that does nothing else. */

import {
  appendFileSync,
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

export interface Meddled {
  /** Absolute. */
  path: string
  /** Of the path. `content`: it is this. */
  when: 'exists' | 'missing' | { content: string }
  act: Act
  /** Of what is written. */
  text?: string
  /** How often at most. Default: 1. */
  times?: number
}

export type Act = keyof typeof ACTS

export interface Meddling {
  /** When it last meddled, in milliseconds since the epoch; absent: not yet. */
  at(): Promise<number | undefined>
}

export type Meddle = (meddled: Meddled) => Promise<Meddling>

export interface Meddler extends AsyncDisposable {
  readonly meddle: Meddle
}

const ACTS = {
  removes: (path: string) => rmSync(path, { recursive: true }),
  writes: (path: string, text: string) => writeFileSync(path, text),
  truncates: (path: string) => truncateSync(path, 0),
  appends: (path: string, text: string) => appendFileSync(path, text),
  'opens to all': (path: string) => chmodSync(path, 0o777),
  'gives away': (path: string) => chownSync(path, 1234, 5678),
  'replaces by a link': (path: string, text: string) => {
    writeFileSync(`${path}.elsewhere`, text)
    rmSync(path, { recursive: true, force: true })
    symlinkSync(`${path}.elsewhere`, path)
  },
  'replaces by a folder': (path: string) => {
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path)
  },
  'replaces by a file': (path: string, text: string) => {
    rmSync(path, { recursive: true, force: true })
    writeFileSync(path, text)
  },
  'renames away': (path: string) => renameSync(path, `${path}.away`),
} as const

/** Disposing ends it. */
export function startMeddler(): Meddler {
  const worker = new Worker(new URL(import.meta.url))
  worker.unref()
  const times = new Map<number, number>()
  const ready = new Map<number, () => void>()
  worker.on('message', ({ id, at }: { id: number; at?: number }) => {
    if (at === undefined) ready.get(id)?.()
    else times.set(id, at)
  })
  let count = 0
  return {
    async meddle(meddled) {
      const id = ++count
      const watching = new Promise<void>((resolve) => ready.set(id, resolve))
      worker.postMessage({ id, ...meddled })
      await watching
      return {
        async at() {
          // What the thread has said before its answer has arrived with it.
          const answered = new Promise<void>((resolve) => ready.set(id, resolve))
          worker.postMessage({ id })
          await answered
          return times.get(id)
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate()
    },
  }
}

function holds({ path, when }: Meddled): boolean {
  try {
    if (typeof when === 'object') return readFileSync(path, 'utf8') === when.content
    lstatSync(path)
    return when === 'exists'
  } catch {
    return when === 'missing'
  }
}

if (!isMainThread) {
  parentPort?.on('message', (meddled: Meddled & { id: number }) => {
    if (meddled.path === undefined) return parentPort?.postMessage({ id: meddled.id })
    const { id, path, act, text = '' } = meddled
    let left = meddled.times ?? 1
    const watcher = watch(dirname(path), () => {
      if (left === 0 || !holds(meddled)) return
      try {
        ACTS[act](path, text)
        left--
        parentPort?.postMessage({ id, at: Date.now() })
      } catch {
        // It was gone or replaced at the same moment; the next event is the next chance.
      }
    })
    watcher.on('error', () => watcher.close())
    parentPort?.postMessage({ id })
  })
}

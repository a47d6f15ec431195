/**
 * The templates in force: the shipped ones, and those of a folder of your own. A change in the folder is read as a
 * whole: if each template is valid, the new ones replace the old ones at once; else the old ones stay in force, and the
 * fault is reported.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { every } from '@deed/process/every'
import { DeedError } from '@deed/proto/errors'
import type { Log } from '@deed/telemetry/logger'
import { type Catalogue, loadCatalogue } from './catalogue.ts'

/** Between two readings of the folder, in milliseconds. A change is used once two readings agree on it. */
const READ_MS = 1_000

export interface TemplatesInForce extends AsyncDisposable {
  /** Always the current templates, after a change too. */
  readonly catalogue: Catalogue
  /** Of a change that is not in force, with file and line. */
  readonly faults: readonly string[]
}

interface Options {
  readonly shipped: string
  /** TEMPLATES_DIR */
  readonly own: string | undefined
  readonly log: Log
  /** Keeps what was read, before it is used. */
  readonly keep: (catalogue: Catalogue) => Promise<void>
}

/** @throws {DeedError} invalid_template with file and line, if a template is not valid at the start */
export async function openTemplates({ shipped, own, log, keep }: Options): Promise<TemplatesInForce> {
  const folders = own === undefined ? [shipped] : [shipped, own]
  let decided = own === undefined ? '' : await stampOf(own)
  let seen = decided
  let current = await loadCatalogue(folders)
  let faults: readonly string[] = []
  await keep(current)

  const reload = async (folder: string): Promise<void> => {
    const stamp = await stampOf(folder)
    const unchanged = stamp === seen
    seen = stamp
    if (!unchanged || stamp === decided) return
    try {
      const next = await loadCatalogue(folders)
      await keep(next)
      current = next
      faults = []
      log.info({ templates: next.templates.length }, 'templates loaded again')
    } catch (error) {
      if (!(error instanceof DeedError)) throw error
      faults = [error.message]
      log.warn({ err: error }, 'a change in TEMPLATES_DIR is not used')
    }
    decided = stamp
  }
  const failed = 'reading TEMPLATES_DIR failed'
  const reading = own === undefined ? undefined : every(READ_MS, () => reload(own), { failed, log })
  return {
    catalogue: {
      get templates() {
        return current.templates
      },
      get: (id) => current.get(id),
      fitting: (wanted) => current.fitting(wanted),
    },
    get faults() {
      return faults
    },
    [Symbol.asyncDispose]: async () => reading?.[Symbol.asyncDispose](),
  }
}

/** Changes with any file of the folder. */
async function stampOf(folder: string): Promise<string> {
  const names = (await readdir(folder)).sort()
  const facts = await Promise.all(
    names.map(async (name) => {
      const { size, mtimeMs } = await stat(join(folder, name))
      return [name, size, mtimeMs]
    }),
  )
  return JSON.stringify(facts)
}

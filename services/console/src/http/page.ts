/** The files of the page, held in memory: no path of a request ever reaches the disk. */
import { existsSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'

const PACKAGE = join(import.meta.dirname, '../..')
const DIST = join(PACKAGE, 'dist')
const BUILDER = join(PACKAGE, 'build.mjs')

const Manifest = z.object({ files: z.array(z.string()) })
const Builder = z.object({ buildPage: z.function({ input: [], output: z.promise(z.boolean()) }) })

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.map': 'application/json',
}
const OTHER_TYPE = 'application/octet-stream'

export const INDEX = 'index.html'

interface PageFile {
  readonly type: string
  /** By the name of their encoding in HTTP; `identity` is always there. */
  readonly forms: Readonly<Record<string, Uint8Array<ArrayBuffer>>>
}

export type Page = ReadonlyMap<string, PageFile>

/** Reads the bundle; in a checkout whose page has changed since, it is made first. */
export async function openPage(): Promise<Page> {
  if (existsSync(join(PACKAGE, 'page')) && existsSync(BUILDER)) {
    const { buildPage } = Builder.parse(await import(pathToFileURL(BUILDER).href))
    await buildPage()
  }
  const { files } = Manifest.parse(JSON.parse(readFileSync(join(DIST, 'manifest.json'), 'utf8')))
  return new Map(files.map((file) => [file, readFile(file)]))
}

function readFile(file: string): PageFile {
  const forms: Record<string, Uint8Array<ArrayBuffer>> = {}
  for (const [encoding, ending] of [
    ['br', '.br'],
    ['gzip', '.gz'],
    ['identity', ''],
  ] as const) {
    const path = join(DIST, `${file}${ending}`)
    if (existsSync(path)) forms[encoding] = new Uint8Array(readFileSync(path))
  }
  return { type: TYPES[extname(file)] ?? OTHER_TYPE, forms }
}

/** @param accepted the header `accept-encoding` */
export function formOf({ forms }: PageFile, accepted = ''): { encoding: string; body: Uint8Array<ArrayBuffer> } {
  const names = accepted.split(',').map((part) => part.trim())
  for (const [encoding, body] of Object.entries(forms))
    if (encoding === 'identity' || names.includes(encoding)) return { encoding, body }
  throw new Error('a file of the page has no form')
}

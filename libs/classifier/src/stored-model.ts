/**
 * Models that were trained before, each in a file that is named after all that it was trained from: the examples and the
 * code. Training is deterministic, so such a file is only a memory: one that is missing or damaged is made again.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join, resolve } from 'node:path'
import { type Example, type LinearModel, linearModel, type Trained, train } from './linear-model.ts'

/** With the caches of the tools: it goes with the installation. */
export const TRAINED = resolve(import.meta.dirname, '../../../node_modules/.cache/trained')
/** Those that were made last; own rule packs make one with each change. */
const FILES_MAX = 16
const HASH_BYTES = 32

/** As `train`; from the file where there is one. @param folder of the files; made if it is missing */
export function trainedModel(
  examples: readonly Example[],
  classes: number,
  always: number,
  random: () => number,
  folder = TRAINED,
): LinearModel {
  const name = createHash('sha256').update(code()).update(`${classes} ${always}\n`)
  for (const { label, words } of examples) name.update(`${label} ${words.join(' ')}\n`)
  const file = join(folder, `${name.digest('hex')}.model`)
  const known = read(file)
  if (known) return linearModel(known)
  const made = train(examples, classes, always, random)
  write(file, made)
  return linearModel(made)
}

/** What decides about the weights besides the examples; the last digits of Math.exp differ between versions of V8. */
let source: string | undefined
function code(): string {
  const own = join(import.meta.dirname, `linear-model${extname(import.meta.filename)}`)
  const features = createRequire(import.meta.url).resolve('@deed/text/features')
  source ??= [own, features].map((file) => readFileSync(file, 'utf8')).join()
  return `${source}${process.versions.v8}`
}

/** A hash of the rest; classes, places, entries and 0 as 32-bit numbers; the temperature with 64; begins, values, classes. */
function write(file: string, { classes, weights: { begins, classes: of, values }, temperature }: Trained): void {
  const body = Buffer.concat([
    bytes(Uint32Array.of(classes, begins.length, values.length, 0)),
    ...[Float64Array.of(temperature), begins, values, of].map(bytes),
  ])
  const folder = dirname(file)
  const unfinished = join(folder, `${randomUUID()}.part`)
  try {
    mkdirSync(folder, { recursive: true })
  } catch {
    return
  }
  try {
    writeFileSync(unfinished, Buffer.concat([createHash('sha256').update(body).digest(), body]))
    renameSync(unfinished, file)
    prune(folder)
  } catch {
    // Read-only, or full: it is trained again the next time.
    rmSync(unfinished, { force: true })
  }
}

const bytes = (of: Uint32Array | Float64Array | Float32Array | Uint16Array): Buffer =>
  Buffer.from(of.buffer, of.byteOffset, of.byteLength)

function read(file: string): Trained | undefined {
  let whole: Buffer
  try {
    whole = readFileSync(file)
  } catch {
    return undefined
  }
  const body = whole.subarray(HASH_BYTES)
  if (!createHash('sha256').update(body).digest().equals(whole.subarray(0, HASH_BYTES))) return undefined
  // A copy begins where 32-bit numbers may begin.
  const { buffer } = Uint8Array.from(body)
  const [classes = 0, places = 0, entries = 0] = new Uint32Array(buffer, 0, 3)
  const [temperature = 1] = new Float64Array(buffer, 16, 1)
  const begins = new Uint32Array(buffer, 24, places)
  const values = new Float32Array(buffer, 24 + 4 * places, entries)
  const of = new Uint16Array(buffer, 24 + 4 * places + 4 * entries, entries)
  return { classes, weights: { begins, classes: of, values }, temperature }
}

function prune(folder: string): void {
  const files = readdirSync(folder).map((name) => join(folder, name))
  const byAge = files.map((file) => ({ file, at: statSync(file).mtimeMs })).sort((a, b) => b.at - a.at)
  for (const { file } of byAge.slice(FILES_MAX)) rmSync(file, { force: true })
}

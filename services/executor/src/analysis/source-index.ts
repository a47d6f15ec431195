/**
 * What is known of the files of one root, in a file of its own: facts of each, and the words of its places. It can be made
 * again from the files at any time, so one that cannot be read is.
 */
import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { SymbolKind } from '@deed/proto/code'
import { vectorBytes } from '@deed/text/vector'
import type { Place, SourceFacts } from './read-source.ts'
import { indexedText } from './words.ts'

/** Everything that is known of one file. */
export interface SourceFile {
  /** Below the root. */
  readonly path: string
  /** How it was on disk: size, times and inode. Empty: it may have been written while it was read. */
  readonly stat: string
  /** SHA-256 of its bytes in hex; empty: it was not read. */
  readonly hash: string
  readonly language: string
  readonly parsed: boolean
  readonly facts: SourceFacts
  /** The name under which others import its folder, as a manifest says. */
  readonly provides?: string | undefined
  /** Why it is not analysed. */
  readonly leftOut?: string | undefined
}

export interface FoundPlace {
  readonly id: number
  readonly path: string
  readonly line: number
  readonly end: number
  readonly symbol: string | null
  readonly kind: SymbolKind | null
  readonly score: number
}

export interface SourceIndex extends Disposable {
  readonly files: ReadonlyMap<string, SourceFile>
  /** @param places absent: those that it has are right */
  put(file: SourceFile, places?: readonly Place[], text?: string): void
  remove(path: string): void
  /** Everything that is put and removed within is on disk, or nothing of it. */
  inTransaction<T>(work: () => Promise<T>): Promise<T>
  /** @param folder only below it; empty: everywhere @returns best first */
  find(terms: readonly string[], folder: string, limit: number): FoundPlace[]
  hasTerm(term: string): boolean
  /** Places below the folder, and how many of them have a vector of the model. */
  countVectors(model: string, folder: string): { places: number; of: number }
  /** Places below the folder without one, those with a symbol first. */
  withoutVector(model: string, folder: string, limit: number): PlaceToEmbed[]
  /** @param vectors by the hash of the text; those of other models are removed */
  putVectors(model: string, vectors: ReadonlyMap<string, Float32Array>): void
  /** Every place below the folder that has a vector of the model. */
  eachVector(model: string, folder: string, visit: (place: Omit<FoundPlace, 'score'>, bytes: Uint8Array) => void): void
}

export interface PlaceToEmbed {
  readonly path: string
  readonly line: number
  readonly end: number
  readonly symbol: string | null
  /** Of `textToEmbed` when it was indexed. */
  readonly hash: string
}

/** The rest of a long place says little more about what it is for. */
const EMBED_CHARS_MAX = 1_500

/** @param lines those of the file, without secrets */
export const textToEmbed = (
  lines: readonly string[],
  { line, end }: Pick<Place, 'line' | 'end'>,
  symbol: string | null,
) => `${symbol ?? ''}\n${lines.slice(line - 1, end).join('\n')}`.slice(0, EMBED_CHARS_MAX)

export const hashOfText = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Another one is made again. */
const FORMAT = 2
const SQLITE_BUSY = 5
const BUSY_MS = 10_000

const TABLES = `
  create table if not exists files (id integer primary key, path text not null unique, known text not null);
  create table if not exists places (
    id integer primary key, file integer not null, line int not null, end int not null, symbol text, kind text,
    hash text);
  create index if not exists places_of_file on places (file);
  create index if not exists places_of_text on places (hash);
  create table if not exists vectors (hash text not null, model text not null, vector blob not null,
    primary key (hash, model)) without rowid;
  create virtual table if not exists words using fts5(
    symbol, path, body, content = '', contentless_delete = 1, tokenize = "porter unicode61 remove_diacritics 2");
  pragma user_version = ${FORMAT}`

/** @param file absolute @param busyMs how long another process is waited for */
export function openIndex(file: string, busyMs = BUSY_MS): SourceIndex {
  try {
    return open(file, busyMs)
  } catch (error) {
    // Another process writes it, so there is nothing wrong with it.
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) throw error
    for (const ending of ['', '-wal', '-shm']) rmSync(file + ending, { force: true })
    return open(file, busyMs)
  }
}

function open(file: string, timeout: number): SourceIndex {
  const db = new DatabaseSync(file, { timeout })
  try {
    db.exec('pragma journal_mode = wal; pragma synchronous = normal')
    const format = db.prepare('pragma user_version').get()?.user_version
    if (format !== 0 && format !== FORMAT) throw new Error(`the index has format ${format}`)
    db.exec(TABLES)
    return indexIn(db)
  } catch (error) {
    db.close()
    throw error
  }
}

// Names weigh more than paths, and paths more than text.
const FIND = `
  select p.id, f.path, p.line, p.end, p.symbol, p.kind, -bm25(words, 8.0, 3.0, 1.0) as score
  from words join places p on p.id = words.rowid join files f on f.id = p.file
  where words match ? and f.path >= ? and f.path < ?
  order by score desc limit ?`

const BELOW = 'f.path >= ? and f.path < ?'
const WITHOUT_VECTOR = `
  select f.path, p.line, p.end, p.symbol, p.hash from places p join files f on f.id = p.file
  where ${BELOW} and p.hash is not null and not exists (select 1 from vectors v where v.hash = p.hash and v.model = ?)
  group by p.hash order by p.symbol is null, p.id limit ?`
const COUNT_VECTORS = `
  select count(*) as 'of', count(v.hash) as places from places p join files f on f.id = p.file
  left join vectors v on v.hash = p.hash and v.model = ? where ${BELOW} and p.hash is not null`
const EACH_VECTOR = `
  select p.id, f.path, p.line, p.end, p.symbol, p.kind, v.vector from places p join files f on f.id = p.file
  join vectors v on v.hash = p.hash and v.model = ? where ${BELOW}`

/** All paths below a folder, from the first to before the last. */
const below = (folder: string): [string, string] => (folder === '' ? ['', '\u{10ffff}'] : [`${folder}/`, `${folder}0`])

function indexIn(db: DatabaseSync): SourceIndex {
  const files = new Map<string, SourceFile>()
  const readFiles = db.prepare('select path, known from files')
  const load = () => {
    files.clear()
    for (const { path, known } of readFiles.iterate() as Iterable<StoredFile>)
      files.set(path, { path, ...(JSON.parse(known) as Omit<SourceFile, 'path'>) })
  }
  load()
  const putFile = db.prepare(`
    insert into files (path, known) values (?, ?)
    on conflict (path) do update set known = excluded.known returning id`)
  const dropWords = db.prepare('delete from words where rowid in (select id from places where file = ?)')
  const dropPlaces = db.prepare('delete from places where file = ?')
  const dropFile = db.prepare('delete from files where path = ? returning id')
  const putPlace = db.prepare('insert into places (file, line, end, symbol, kind, hash) values (?, ?, ?, ?, ?, ?)')
  const putWords = db.prepare('insert into words (rowid, symbol, path, body) values (?, ?, ?, ?)')
  const find = db.prepare(FIND)
  const has = db.prepare('select 1 from words where words match ? limit 1')
  const withoutVector = db.prepare(WITHOUT_VECTOR)
  const countVectors = db.prepare(COUNT_VECTORS)
  const eachVector = db.prepare(EACH_VECTOR)
  const putVector = db.prepare('insert or replace into vectors (hash, model, vector) values (?, ?, ?)')
  const dropVectors = db.prepare(
    'delete from vectors where model <> ? or not exists (select 1 from places p where p.hash = vectors.hash)',
  )
  const drop = (id: number) => {
    dropWords.run(id)
    dropPlaces.run(id)
  }
  return {
    files,
    put(file, places, text = '') {
      const { path, ...known } = file
      files.set(path, file)
      const { id } = putFile.get(path, JSON.stringify(known)) as { id: number }
      if (!places) return
      drop(id)
      const lines = text.split('\n')
      for (const { line, end, symbol } of places) {
        const toEmbed = textToEmbed(lines, { line, end }, symbol?.name ?? null)
        const hash = toEmbed.trim() === '' ? null : hashOfText(toEmbed)
        const { lastInsertRowid } = putPlace.run(id, line, end, symbol?.name ?? null, symbol?.kind ?? null, hash)
        const body = indexedText(lines.slice(line - 1, end).join('\n'))
        putWords.run(lastInsertRowid, indexedText(symbol?.name ?? ''), indexedText(path), body)
      }
    },
    remove(path) {
      files.delete(path)
      const gone = dropFile.get(path) as { id: number } | undefined
      if (gone) drop(gone.id)
    },
    async inTransaction(work) {
      db.exec('begin immediate')
      try {
        const result = await work()
        db.exec('commit')
        return result
      } catch (error) {
        db.exec('rollback')
        load()
        throw error
      }
    },
    find(terms, folder, limit) {
      return find.all(terms.map(matching).join(' OR '), ...below(folder), limit) as unknown as FoundPlace[]
    },
    countVectors: (model, folder) => countVectors.get(model, ...below(folder)) as { places: number; of: number },
    withoutVector: (model, folder, limit) =>
      withoutVector.all(...below(folder), model, limit) as unknown as PlaceToEmbed[],
    putVectors(model, vectors) {
      db.exec('begin immediate')
      try {
        dropVectors.run(model)
        for (const [hash, vector] of vectors) putVector.run(hash, model, vectorBytes(vector))
        db.exec('commit')
      } catch (error) {
        db.exec('rollback')
        throw error
      }
    },
    eachVector(model, folder, visit) {
      for (const { vector, ...place } of eachVector.iterate(model, ...below(folder)) as Iterable<
        Omit<FoundPlace, 'score'> & { vector: Uint8Array }
      >)
        visit(place, vector)
    },
    hasTerm: (term) => has.get(matching(term)) !== undefined,
    [Symbol.dispose]: () => db.close(),
  }
}

interface StoredFile {
  path: string
  known: string
}

/** What is shorter is found as it is; of the others, the beginning of a word is enough. */
const PREFIX_CHARS_MIN = 3

const matching = (term: string): string => `"${term}"${term.length < PREFIX_CHARS_MIN ? '' : '*'}`

/** Whether files and folders are as they should be, read through fresh descriptors. */
import { counted } from '@deed/config/counted'
import { sha256 } from '@deed/json/canonical-json'
import type { SingleObservation } from '@deed/proto/observation'
import { type Before, type Context, notedFile } from '../kind/kind.ts'
import { failed, type Seen, unverified, verified } from '../kind/seen.ts'
import { parses } from '../syntax/parses.ts'
import { segmentsOf } from '../workspace/workspace.ts'
import { fileState } from './file-state.ts'
import { openFolder } from './folder.ts'
import { readRegularFile } from './regular-file.ts'

type FileObservation = Extract<SingleObservation, { kind: 'file' }>
type DirObservation = Extract<SingleObservation, { kind: 'dir' }>

export async function observeFile(wanted: FileObservation, { workspace }: Context, before: Before): Promise<Seen> {
  const segments = segmentsOf(workspace, wanted.path)
  const file = readRegularFile(workspace, segments)
  const { path } = wanted
  if (!file) return wanted.exists ? failed(`${path} does not exist`) : verified(`${path} does not exist`)
  const hash = sha256(file.bytes)
  const mode = octal(file.mode)
  const facts = { sha256: hash, bytes: file.bytes.length, mode }
  if (!wanted.exists) return failed(`${path} exists`, facts)
  if (wanted.sha256 !== undefined && wanted.sha256 !== hash)
    return failed(`${path} has SHA-256 ${hash}, not ${wanted.sha256}`, facts)
  if (wanted.contains !== undefined && !file.bytes.includes(wanted.contains))
    return failed(`${path} does not contain ${JSON.stringify(wanted.contains)}`, facts)
  if (wanted.mode !== undefined && wanted.mode !== mode)
    return failed(`${path} has mode ${mode}, not ${wanted.mode}`, facts)
  const observed = `${path} has ${counted(file.bytes.length, 'byte')} with SHA-256 ${hash}`
  if (wanted.changed !== undefined) {
    const was = before.noted?.[notedFile(path)]
    if (was === undefined) return unverified(`${observed}; its earlier content was not recorded`, facts)
    const changed = was !== fileState(file)
    if (changed !== wanted.changed)
      return failed(`${observed}, ${changed ? 'other bytes than' : 'the same as'} before`, { ...facts, before: was })
  }
  if (wanted.syntax === undefined) return verified(observed, facts)
  const parsed = await parses(wanted.syntax, file.bytes)
  if (parsed.outcome === 'unverified') return unverified(`${observed}; ${parsed.observed}`, facts)
  const all = { ...facts, parser: parsed.parser }
  return parsed.outcome === 'verified'
    ? verified(`${observed}; ${parsed.observed}`, all)
    : failed(`${path}: ${parsed.observed}`, all)
}

export function observeDir({ path, exists }: DirObservation, { workspace }: Context): Seen {
  using folder = openFolder(workspace, segmentsOf(workspace, path))
  const observed = folder ? `${path} is a folder` : `${path} does not exist`
  return (folder !== undefined) === exists ? verified(observed) : failed(observed)
}

/** Of the permission bits, as in `0644`. */
export const octal = (mode: number): string => `0${(mode & 0o777).toString(8).padStart(3, '0')}`

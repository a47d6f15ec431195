/** The files and folders that a path means to one who reads: itself, what is in it, or what matches it as a glob. */
import { lstatSync } from 'node:fs'
import { nearest } from '@deed/config/nearest'
import { DeedError } from '@deed/proto/errors'
import type { Context } from '../kind/kind.ts'
import { segmentsOf } from '../workspace/workspace.ts'
import { linkRefused, openFolder } from './folder.ts'
import { globOf, isGlob } from './glob.ts'
import { lastOf } from './regular-file.ts'
import { refuseHiddenFrom } from './text-pieces.ts'
import { type Found, namesIn, walkFiles } from './walk-files.ts'

export interface NamedPlaces {
  /** @param deep of a folder: whether all folders in it are entered */
  walk(deep: boolean): AsyncIterable<Found>
  /** As a path that may be named again. */
  shown(found: Found): string
}

/** @throws {DeedError} `not_found`, `protected_path`, `path_outside_workspace` for a link */
export function placesNamed(path: string, { workspace, world, signal }: Context): NamedPlaces {
  const segments = segmentsOf(workspace, path)
  refuseHiddenFrom(workspace, segments, world)
  const { base } = workspace
  const isBelow = base.every((name, index) => segments[index] === name)
  const shown = (found: Found) => found.segments.slice(isBelow ? base.length : 0).join('/')
  const type = typeAt(segments)
  if (type === 'folder') return { walk: (deep) => walkFiles(workspace, segments, deep, signal), shown }
  if (type !== undefined) return { walk: () => only({ segments, type }), shown }
  if (!isGlob(path)) throw missing(path, segments)
  const glob = globOf(segments)
  if (typeAt(glob.base) !== 'folder') throw missing(glob.base.join('/'), glob.base)
  const matching = async function* (): AsyncGenerator<Found> {
    for await (const found of walkFiles(workspace, glob.base, glob.deep, signal))
      if (glob.matches(found.segments.slice(glob.base.length))) yield found
  }
  return { walk: matching, shown }

  function typeAt(at: readonly string[]): Found['type'] | undefined {
    if (at.length === 0) return 'folder'
    using folder = openFolder(workspace, at.slice(0, -1))
    const place = folder?.at(lastOf(at))
    const stat = place && lstatSync(place, { throwIfNoEntry: false })
    if (!place || !stat) return undefined
    if (stat.isSymbolicLink()) throw linkRefused(place, lastOf(at))
    return stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : 'other'
  }

  function missing(what: string, at: readonly string[]): DeedError {
    const meant = nearest(lastOf(at), namesIn(workspace, at.slice(0, -1)))
    return new DeedError('not_found', `${what} does not exist${meant === undefined ? '' : `; did you mean ${meant}?`}`)
  }
}

async function* only(found: Found): AsyncGenerator<Found> {
  yield found
}

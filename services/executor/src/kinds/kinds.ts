/** Every kind of action that this executor knows. */

import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MODULE_EXTENSION } from '@deed/config/module-extension'
import { nearest } from '@deed/config/nearest'
import { validate } from '@deed/json/validate'
import type { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import { KINDS as FACTS } from '@deed/proto/kinds'
import type { Observation } from '@deed/proto/observation'
import type { Before, Kind, World } from '../kind/kind.ts'
import { providedKind } from '../provided/provided-kind.ts'

const SOURCE = join(import.meta.dirname, '..')

/** By name; in the order of the table of kinds. */
export const KINDS: ReadonlyMap<string, Kind> = await loadKinds()

/**
 * The module of `file.write` is `file-write.ts`, or `file-kinds.ts`, which it shares with others of its family, wherever
 * in the source it lies.
 *
 * @throws an error that names a kind of the table without a module
 */
async function loadKinds(): Promise<Map<string, Kind>> {
  const files = new Map(
    readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).map((file) => [basename(file), file]),
  )
  const names = Object.keys(FACTS).filter((name) => FACTS[name]?.held_by === undefined)
  const kinds = names.map(async (name): Promise<[string, Kind]> => {
    const file =
      files.get(`${name.replace('.', '-')}${MODULE_EXTENSION}`) ??
      files.get(`${name.split('.')[0]}-kinds${MODULE_EXTENSION}`)
    const module: object = file === undefined ? {} : await import(pathToFileURL(join(SOURCE, file)).href)
    const kind = Object.values(module).find((exported: Partial<Kind> | undefined) => exported?.name === name)
    if (!kind)
      throw new Error(
        `no module exports the kind ${name} of proto/src/kinds.ts; see CONTRIBUTING.md, "Add a kind of action"`,
      )
    return [name, kind as Kind]
  })
  return new Map(await Promise.all(kinds))
}

/**
 * @param planned whether somebody has answered for the kind before, so that nobody answering now will pass
 * @throws {DeedError} `unknown_kind`; `unknown_kind_version`, which passes when the newer executor or provider is up
 */
export async function kindOf(action: Action, { mesh }: Pick<World, 'mesh'>, planned: boolean): Promise<Kind> {
  const { kind: name, kind_version } = action
  const kind = KINDS.get(name)
  if (!kind) {
    try {
      if (mesh) return (await providedKind(action, mesh)) as Kind
    } catch (error) {
      if (!(error instanceof DeedError) || error.code !== 'unavailable' || planned) throw error
    }
    const meant = nearest(name, KINDS.keys())
    throw new DeedError('unknown_kind', `no kind ${name}${meant === undefined ? '' : `; did you mean "${meant}"?`}`)
  }
  if (kind.version !== kind_version)
    throw new DeedError('unknown_kind_version', `${name} is known here in version ${kind.version}, not ${kind_version}`)
  return kind
}

/** @throws {DeedError} that names the argument to change */
export function inputOf(kind: Kind, action: Action): JsonObject {
  try {
    return validate(kind.input, action.input)
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    throw new DeedError(error.code, `${kind.name}: ${error.message}`, { path: error.path?.replace('$', '$.input') })
  }
}

/** What must hold afterwards: what the kind observes, and what the action asks for besides. */
export function postconditionOf(kind: Kind, action: Action, input: JsonObject, before: Before): Observation {
  const own = kind.postcondition(input, before, action)
  return action.verify === undefined || kind.takesVerify ? own : { kind: 'all', of: [own, action.verify] }
}

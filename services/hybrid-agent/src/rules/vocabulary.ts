/** The names a sentence may mean: the targets and nouns of `execution.yaml`, looked up by the words people use. */

import type { ExecutionConfig, Target } from '@deed/config/execution-config'
import { nearest } from '@deed/config/nearest'

/** What Deed knows about the world, as far as the words of a task can mean it. */
export type World = Pick<ExecutionConfig, 'targets' | 'workspaces' | 'default_workspace'>

/** What can be started and stopped, whatever runs it. */
const SERVICE_TYPES: ReadonlySet<string> = new Set(['process', 'systemd', 'docker', 'kubernetes'])

/** Types of targets as rules name them: one of their own, or `service` for each that can be started and stopped. */
export const TARGET_TYPES = [
  'service',
  'process',
  'systemd',
  'docker',
  'kubernetes',
  'http',
  'sql',
  'nats',
  'mcp',
] as const
export type TargetType = (typeof TARGET_TYPES)[number]

export const isOfType = (type: Target['type'] | undefined, wanted: TargetType | string): boolean =>
  type === wanted || (wanted === 'service' && type !== undefined && SERVICE_TYPES.has(type))

/** A noun and the table that it stands for; what ends in `_sql` is quoted for a statement. */
export type EntityValue = Readonly<Record<string, string>>

export interface Vocabulary {
  readonly world: World
  /** The target's name by its name in lower case. */
  readonly targets: ReadonlyMap<string, { readonly name: string; readonly type: Target['type'] }>
  /** By the first word of the noun, longer nouns first. */
  readonly plurals: ReadonlyMap<string, readonly Noun[]>
  readonly singulars: ReadonlyMap<string, readonly Noun[]>
}

export interface Noun {
  readonly words: readonly string[]
  /** More than one where several databases use the noun. */
  readonly entities: readonly EntityValue[]
}

export function vocabularyOf(world: World): Vocabulary {
  const targets = new Map<string, { name: string; type: Target['type'] }>()
  const plurals = new Map<string, EntityValue[]>()
  const singulars = new Map<string, EntityValue[]>()
  for (const [name, target] of Object.entries(world.targets)) {
    targets.set(name.toLowerCase(), { name, type: target.type })
    if (target.type !== 'sql') continue
    for (const [noun, entity] of Object.entries(target.entities)) {
      const value: Record<string, string> = { target: name, noun, singular: entity.singular ?? noun }
      for (const column of ['table', 'label_column', 'name_column'] as const) {
        const identifier = entity[column]
        if (identifier === undefined) continue
        value[column] = identifier
        value[`${column}_sql`] = quotedIdentifier(identifier)
      }
      add(plurals, noun, value)
      if (entity.singular !== undefined) add(singulars, entity.singular, value)
    }
  }
  return { world, targets, plurals: byFirstWord(plurals), singulars: byFirstWord(singulars) }
}

/** The known target that a name nobody knows was most likely meant to be, and all the others of its type. */
export function knownTargets(
  vocabulary: Vocabulary,
  type: string,
  meant: string,
): { nearest?: string; names: string[] } {
  const names = [...vocabulary.targets.values()]
    .filter((target) => isOfType(target.type, type))
    .map((target) => target.name)
  const guess = nearest(meant, names)
  return guess === undefined ? { names } : { nearest: guess, names }
}

/** As PostgreSQL reads it, whatever the identifier is: `schema.table` becomes `"schema"."table"`. */
function quotedIdentifier(identifier: string): string {
  return identifier
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.')
}

function add(nouns: Map<string, EntityValue[]>, noun: string, value: EntityValue): void {
  const key = noun.toLowerCase().trim()
  nouns.set(key, [...(nouns.get(key) ?? []), value])
}

function byFirstWord(nouns: ReadonlyMap<string, readonly EntityValue[]>): Map<string, Noun[]> {
  const index = new Map<string, Noun[]>()
  for (const [noun, entities] of nouns) {
    const words = noun.split(/\s+/)
    const first = words[0] ?? ''
    index.set(first, [...(index.get(first) ?? []), { words, entities }])
  }
  for (const list of index.values()) list.sort((a, b) => b.words.length - a.words.length)
  return index
}

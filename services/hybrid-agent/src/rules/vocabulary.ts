/** The targets and nouns of `execution.yaml`, indexed by the words that people use. */

import type { ExecutionConfig } from '@deed/config/execution-config'
import { nearest } from '@deed/config/nearest'
import type { Target } from '@deed/config/targets'

/** The part of the configuration that the words of a task can refer to. */
export type World = Pick<ExecutionConfig, 'targets' | 'workspaces' | 'default_workspace'>

/** Target types that can be started and stopped. */
const SERVICE_TYPES: ReadonlySet<string> = new Set(['process', 'systemd', 'docker', 'kubernetes'])

/** Target types in rules: a type itself, or `service` for every type that can be started and stopped. */
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

export const isTargetType = (name: string): boolean => TARGET_TYPES.some((type) => type === name)

export const isOfType = (type: Target['type'] | undefined, wanted: TargetType | string): boolean =>
  type === wanted || (wanted === 'service' && type !== undefined && SERVICE_TYPES.has(type))

/** A noun and its table; fields that end in `_sql` are quoted for a statement. */
export type EntityValue = Readonly<Record<string, string>>

export interface Vocabulary {
  readonly world: World
  /** By its lower-case name. */
  readonly targets: ReadonlyMap<string, NamedTarget>
  /** By lower-case alias, which may have several words. */
  readonly aliases: ReadonlyMap<string, NamedTarget>
  /** By the first word of the noun, longest nouns first. */
  readonly plurals: ReadonlyMap<string, readonly Noun[]>
  readonly singulars: ReadonlyMap<string, readonly Noun[]>
}

export interface NamedTarget {
  readonly name: string
  readonly type: Target['type']
}

export interface Noun {
  readonly words: readonly string[]
  /** Several if more than one database uses the noun. */
  readonly entities: readonly EntityValue[]
}

export function vocabularyOf(world: World): Vocabulary {
  const targets = new Map<string, NamedTarget>()
  const aliases = new Map<string, NamedTarget>()
  const plurals = new Map<string, EntityValue[]>()
  const singulars = new Map<string, EntityValue[]>()
  for (const [name, target] of Object.entries(world.targets)) {
    const named = { name, type: target.type }
    targets.set(name.toLowerCase(), named)
    for (const alias of target.aliases ?? []) aliases.set(alias.toLowerCase(), named)
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
  return { world, targets, aliases, plurals: byFirstWord(plurals), singulars: byFirstWord(singulars) }
}

/** The target with this name or alias, in any case. */
export const targetNamed = ({ targets, aliases }: Vocabulary, name: string): NamedTarget | undefined =>
  targets.get(name.toLowerCase()) ?? aliases.get(name.toLowerCase())

/** The known target nearest to an unknown name, and all others of its type. */
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

/** Quotes an identifier for PostgreSQL: `schema.table` becomes `"schema"."table"`. */
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

/**
 * Fills `{{slot}}` and `{{slot.field}}` in a rule's templates.
 *
 * A text that consists of one placeholder takes the value's own type: a command becomes its arguments, digits become a number.
 */
import type { Json } from '@deed/proto/json'
import { splitCommand } from './command-line.ts'
import type { SlotValue } from './slots.ts'
import type { EntityValue } from './vocabulary.ts'

const PLACEHOLDER = /\{\{\s*([a-z][a-z0-9_]*)(?:\.([a-z][a-z0-9_]*))?\s*\}\}/g
const ONE_PLACEHOLDER = /^\{\{\s*([a-z][a-z0-9_]*)(?:\.([a-z][a-z0-9_]*))?\s*\}\}$/

export interface Placeholder {
  readonly slot: string
  readonly field: string | undefined
  /** Whether it is the whole text. */
  readonly alone: boolean
  /** The path of keys to the text. */
  readonly at: readonly string[]
}

/** @param types the type of each slot, by name */
export function fill(
  template: Json,
  slots: Readonly<Record<string, SlotValue>>,
  types: ReadonlyMap<string, string>,
): Json {
  if (typeof template === 'string') return template.includes('{{') ? fillText(template, slots, types) : template
  if (typeof template !== 'object' || template === null) return template
  if (Array.isArray(template)) return template.map((item) => fill(item, slots, types))
  return Object.fromEntries(Object.entries(template).map(([key, item]) => [key, fill(item, slots, types)]))
}

/** Every placeholder in a template, with its position. */
export function placeholdersOf(template: Json, at: readonly string[] = []): Placeholder[] {
  if (typeof template === 'string') {
    const alone = ONE_PLACEHOLDER.test(template)
    return [...template.matchAll(PLACEHOLDER)].map(([, slot = '', field]) => ({ slot, field, alone, at }))
  }
  if (typeof template !== 'object' || template === null) return []
  return Object.entries(template).flatMap(([key, item]) => placeholdersOf(item as Json, [...at, key]))
}

function fillText(text: string, slots: Readonly<Record<string, SlotValue>>, types: ReadonlyMap<string, string>): Json {
  const [, slot, field] = ONE_PLACEHOLDER.exec(text) ?? []
  if (slot !== undefined) {
    const value = textOf(slots, slot, field)
    const type = types.get(slot)
    return type === 'command' ? splitCommand(value) : type === 'number' ? Number(value) : value
  }
  return text.replace(PLACEHOLDER, (_, name: string, part: string | undefined) => textOf(slots, name, part))
}

/** Empty where a slot or its field is not filled, also for a slot that is called "constructor". */
function textOf(slots: Readonly<Record<string, SlotValue>>, slot: string, field = 'noun'): string {
  const value = Object.hasOwn(slots, slot) ? slots[slot] : undefined
  if (value === undefined) return ''
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.join(', ')
  return Object.hasOwn(value, field) ? String((value as EntityValue)[field]) : ''
}

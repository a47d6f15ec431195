/** Puts actions that change the same thing one after another, in the order in which they are given. */
import type { PlannedAction } from '@deed/proto/agent'
import { factsOf } from '@deed/proto/kinds'

/** @param actions in dependency order */
export function oneAfterAnother(actions: readonly PlannedAction[]): PlannedAction[] {
  const last = new Map<string, string>()
  return actions.map((planned) => {
    const waits = new Set(planned.depends_on)
    for (const thing of thingsOf(planned)) {
      const earlier = last.get(thing)
      if (earlier !== undefined && earlier !== planned.name) waits.add(earlier)
      last.set(thing, planned.name)
    }
    return { ...planned, depends_on: [...waits] }
  })
}

/** The paths and names that it changes, as far as its input says them. */
export function thingsOf({ action: { kind, input } }: PlannedAction): string[] {
  const { paths = [], names = [] } = factsOf(kind)?.touches ?? {}
  const fields = [
    ...paths.map((field) => ({ field, type: 'path' })),
    ...names.map((field) => ({ field, type: 'name' })),
  ]
  return fields.flatMap(({ field, type }) => {
    const value = input[field]
    return typeof value === 'string' ? [`${type} ${value.replace(/^(?:\.\/)+/, '')}`] : []
  })
}

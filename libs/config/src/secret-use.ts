/** Which secrets of execution.yaml an action uses, and whether it may. */
import type { ExecutionConfig } from './execution-config.ts'

/** A reference in a text that is expanded at use: `{{secret.<name>}}`. */
export const SECRET_REFERENCE = /\{\{\s*secret\.([^\s{}]+)\s*\}\}/g

/** The kind and the input of an action. */
interface Use {
  kind: string
  input: Readonly<Record<string, unknown>>
}

/**
 * The secrets that an action uses although neither its target nor its kind is allowed to, sorted and without
 * duplicates.
 */
export function secretsElsewhere(secrets: ExecutionConfig['secrets'], { kind, input }: Use): string[] {
  const { secrets: variables, target } = input
  const used = new Set(Array.isArray(variables) ? variables.filter((name) => typeof name === 'string') : [])
  collectReferences(input, used)
  return [...used].sort().filter((name) => {
    const { targets, kinds } = (Object.hasOwn(secrets, name) && secrets[name]) || {}
    const named = targets !== undefined || kinds !== undefined
    const fits = (targets?.some((one) => one === target) ?? true) && (kinds?.some((one) => one === kind) ?? true)
    return !(named && fits)
  })
}

function collectReferences(value: unknown, found: Set<string>): void {
  if (typeof value === 'string') {
    if (value.includes('{{')) for (const [, name] of value.matchAll(SECRET_REFERENCE)) found.add(String(name))
  } else if (typeof value === 'object' && value !== null) {
    for (const one of Object.values(value)) collectReferences(one, found)
  }
}

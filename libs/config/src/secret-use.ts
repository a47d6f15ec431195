/** Which secrets of execution.yaml an action uses, and whether it is one that they are for. */
import type { ExecutionConfig } from './execution-config.ts'

/** In a text that is filled in where it is used: `{{secret.<name>}}`. */
export const SECRET_REFERENCE = /\{\{\s*secret\.([^\s{}]+)\s*\}\}/g

/** Of an action: its kind, and what it was given. */
interface Use {
  kind: string
  input: Readonly<Record<string, unknown>>
}

/**
 * The names of secrets that an action uses although execution.yaml names neither its target nor its kind for them, in
 * order and each once.
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

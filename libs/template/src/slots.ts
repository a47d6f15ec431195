/**
 * The slots of a template, and what fills them: facts of the request. A variable that has the name of a fact is filled
 * by it; another one by its source, a text with placeholders for facts (`{{name | dots}}.>`). Without the facts that it
 * needs, a variable keeps its default.
 */
import { checkTemplate, renderTemplate } from './render.ts'

/** Facts that a request may have. */
const FACTS = {
  name: 'what the thing is called, from the words or else from the file name',
  description: 'the words of the request',
  namespace: 'the folder below lib/ in target_file',
  tested: 'the name of the tested file with its extension, if target_file is that of a test',
} as const
export type Facts = { readonly [fact in keyof typeof FACTS]?: string | undefined }

interface Slots {
  /** Variable names with their defaults. */
  readonly variables: Readonly<Record<string, string>>
  /** The sources of those variables that have one. */
  readonly sources: Readonly<Record<string, string>>
}

/** The values of the variables that the facts determine. @throws {DeedError} as `renderTemplate` does */
export function valuesFrom({ variables, sources }: Slots, facts: Facts): Record<string, string> {
  const present = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >
  return Object.fromEntries(
    Object.keys(variables).flatMap((variable) => {
      const source = sources[variable] ?? (variable in FACTS ? `{{${variable}}}` : undefined)
      if (source === undefined || factsIn(source).some((fact) => present[fact] === undefined)) return []
      const direct = source === `{{${variable}}}`
      return [[variable, direct ? present[variable]! : renderTemplate({ body: source, variables: present })]]
    }),
  )
}

/** @throws {DeedError} invalid_template if a source is malformed or uses something that is no fact */
export function checkSource(source: string): void {
  const used = factsIn(source).filter((fact) => Object.hasOwn(FACTS, fact))
  checkTemplate({ body: source, variables: Object.fromEntries(used.map((fact) => [fact, 'a'])) })
}

function factsIn(source: string): string[] {
  return [...source.matchAll(/\{\{\s*([a-z][a-z0-9_]*)/g)].map(([, name = '']) => name)
}

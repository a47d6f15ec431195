/** Checks that a text is YAML, with the same parser that reads every YAML here. */
import { parseAllDocuments } from 'yaml'

/** @returns the first error with its position, or `undefined` if every document of the text is valid */
export function yamlFault(text: string): string | undefined {
  const documents = parseAllDocuments(text)
  const faults = Array.isArray(documents) ? documents.flatMap(({ errors }) => errors) : []
  return faults[0]?.message
}

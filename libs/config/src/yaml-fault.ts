/** What is wrong with a text as YAML, by the parser that reads every YAML here. */
import { parseAllDocuments } from 'yaml'

/** @returns the first fault with its place, or `undefined` when every document of the text is accepted */
export function yamlFault(text: string): string | undefined {
  const documents = parseAllDocuments(text)
  const faults = Array.isArray(documents) ? documents.flatMap(({ errors }) => errors) : []
  return faults[0]?.message
}

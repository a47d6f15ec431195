/** What could be asked for instead of words that nobody understands. */
import { Suggestions } from '@deed/proto/agent'
import type { ErrorBody } from '@deed/proto/errors'
import { deedCommand, shellQuoted } from '../terminal/deed-command.ts'
import { plainLine } from '../terminal/plain-text.ts'

/** A line for each that can be copied; none where the error has none. */
export function suggestionLines({ details }: Pick<ErrorBody, 'details'>): string[] {
  const { data = [] } = Suggestions.safeParse(details?.suggestions)
  if (data.length === 0) return []
  return ['You could say:', ...data.map((one) => `  ${deedCommand(`run ${shellQuoted(plainLine(one))}`)}`)]
}

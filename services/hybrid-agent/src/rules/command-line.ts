/** A command line as program and arguments. No shell reads it, so what only a shell would understand is refused. */
import { DeedError } from '@deed/proto/errors'

/** Unquoted, these mean something to a shell and nothing to a program. */
const SHELL_SIGNS = /[|&;<>()$`*?\n]/
/** These do so only where a word begins. */
const SHELL_BEGINNINGS = /[~#]/

/**
 * Splits at spaces; double and single quotes keep a text together, a backslash takes the sign behind it as it is.
 *
 * @throws {DeedError} invalid_request where a quote is not closed or a shell would be needed
 */
export function splitCommand(line: string): string[] {
  const parts: string[] = []
  let part: string | undefined
  let quote: string | undefined
  for (let at = 0; at < line.length; at++) {
    const sign = line[at]!
    if (quote === "'") {
      if (sign === quote) quote = undefined
      else part = (part ?? '') + sign
    } else if (sign === '\\' && at + 1 < line.length && (quote === undefined || '"\\'.includes(line[at + 1]!))) {
      part = (part ?? '') + line[++at]!
    } else if (quote !== undefined) {
      if (sign === quote) quote = undefined
      else part = (part ?? '') + sign
    } else if (sign === '"' || sign === "'") {
      quote = sign
      part ??= ''
    } else if (sign === ' ' || sign === '\t') {
      if (part !== undefined) parts.push(part)
      part = undefined
    } else if (SHELL_SIGNS.test(sign) || (part === undefined && SHELL_BEGINNINGS.test(sign))) {
      throw new DeedError(
        'invalid_request',
        `the command uses ${JSON.stringify(sign)}, which only a shell understands, and none reads it; name one program with its arguments, and put the sign in quotes where it is meant as it stands`,
        { path: '$.task' },
      )
    } else part = (part ?? '') + sign
  }
  if (quote !== undefined) {
    throw new DeedError('invalid_request', `the command has a ${quote} that is not closed; close it`, {
      path: '$.task',
    })
  }
  if (part !== undefined) parts.push(part)
  return parts
}

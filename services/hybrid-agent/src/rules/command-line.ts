/** Splits a command line into program and arguments. No shell runs, so shell syntax is refused. */
import { DeedError } from '@deed/proto/errors'

/** Shell syntax when unquoted. */
const SHELL_SIGNS = /[|&;<>()$`*?\n]/
/** Shell syntax only at the beginning of a word. */
const SHELL_BEGINNINGS = /[~#]/

/**
 * Splits at spaces; single and double quotes group a text, a backslash escapes the next character.
 *
 * @throws {DeedError} invalid_request for an unclosed quote or shell syntax
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
        `the command uses ${JSON.stringify(sign)}, which is shell syntax, and no shell runs; name one program with its arguments, and quote the character if it is meant literally`,
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

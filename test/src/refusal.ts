/** What every refusal has to be: an error with a name, which says what to change, and nothing of the inside. */
import { ErrorBody } from '@deed/proto/errors'
import { expect } from 'vitest'
import type { Answer } from './plain-client.ts'

export interface ExpectedRefusal {
  code: string | RegExp
  path?: string | RegExp | undefined
  /** Default: a sentence. */
  message?: RegExp
}

/** Stacks, and names of the files that Deed is made of. */
const INSIDE = [/\.ts\b/, /node_modules/, /\n\s+at /, process.cwd()]

/**
 * @param hidden what it may not say either: the machine's folders
 * @param mayEcho what the message may repeat of the request, even where it looks like the inside
 */
export function refusal(
  { errorCode, body }: Answer,
  { code, path, message = /\w+ \w+/ }: ExpectedRefusal,
  hidden: readonly string[],
  mayEcho?: string,
): ErrorBody {
  expect(errorCode, JSON.stringify(body).slice(0, 500)).toBe('400')
  const error = ErrorBody.strict().parse(body)
  expect(error.code).toMatch(typeof code === 'string' ? new RegExp(`^${code}$`) : code)
  if (typeof path === 'string') expect(error.path).toBe(path)
  else if (path !== undefined) expect(error.path).toMatch(path)
  expect(error.retryable).toBe(false)
  expect(error.message).toMatch(message)
  const text = mayEcho === undefined ? JSON.stringify(body) : error.message.replaceAll(mayEcho, '')
  for (const inside of [...INSIDE, ...hidden]) expect(text).not.toMatch(inside)
  return error
}

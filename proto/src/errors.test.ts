// An error keeps its name over the wire.
import { describe, expect, it } from 'vitest'
import { DeedError, ERROR_CODES, ERRORS, ErrorBody } from './errors.ts'
import type { ExecutionId } from './ids.ts'

describe('an error', () => {
  it('arrives as it was sent', () => {
    const sent = new DeedError('unknown_workspace', 'there is no workspace "ap"; did you mean "app"?', {
      path: '$.context.workspace',
      executionId: '01890a5d-ac96-774b-bcce-b302099a8057' as ExecutionId,
      details: { known: ['app'] },
    })
    const received = DeedError.from(ErrorBody.parse(JSON.parse(JSON.stringify(sent.body))))
    expect(received.body).toEqual(sent.body)
    expect(received.message).toBe(sent.message)
  })

  it('omits unknown fields', () => {
    expect(new DeedError('not_found', 'no such execution').body).toEqual({
      code: 'not_found',
      message: 'no such execution',
      retryable: false,
    })
  })

  it.each(ERROR_CODES)('%s is retryable or not as the table says, unless the thrower overrides it', (code) => {
    expect(new DeedError(code, 'why').retryable).toBe(ERRORS[code])
    expect(new DeedError(code, 'why', { retryable: !ERRORS[code] }).retryable).toBe(!ERRORS[code])
  })
})

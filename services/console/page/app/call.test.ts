import { expect, it } from 'vitest'
import { errorOf } from './call.ts'

it('an error of the mesh keeps its code, its sentence and its details', () => {
  const body = { code: 'not_found', message: 'no such execution', retryable: false, details: { near: 'x' } }
  expect(errorOf(404, { error: body })).toMatchObject(body)
})

it('an answer that is no error envelope is an internal error, which may be tried again', () => {
  expect(errorOf(502, undefined)).toMatchObject({ code: 'internal', retryable: true })
  expect(errorOf(500, { error: 'x' })).toMatchObject({ code: 'internal', retryable: true })
})

it('status 401 says that the session has ended', () => {
  expect(errorOf(401, { error: { code: 'forbidden', message: 'x' } })).toMatchObject({ code: 'signed_out' })
})

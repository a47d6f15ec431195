// Over the whole table of what an operating system and a server can answer.
import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { withSite } from '../../test/test-site.ts'
import { bodyOf } from '../attempt/conclusion.ts'
import { isPassingStatus } from './passing-faults.ts'

const PASSING = [
  ...['EAGAIN', 'EBUSY', 'ECONNABORTED', 'ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'EINTR', 'EMFILE', 'ENETDOWN'],
  ...['ENETRESET', 'ENETUNREACH', 'ENFILE', 'ENOBUFS', 'ENOLCK', 'ENOMEM', 'EPIPE', 'ESTALE', 'ETIMEDOUT', 'ETXTBSY'],
  'EWOULDBLOCK',
]

const retried = (code: string, errno: number) =>
  bodyOf(Object.assign(new Error(code), { code, errno: -errno }))?.retryable

describe('an error of the operating system', () => {
  it('is retried where it passes by itself, and each other one is reported at once', () => {
    const codes = Object.entries(constants.errno)
    expect(
      codes
        .filter(([code, errno]) => retried(code, errno))
        .map(([code]) => code)
        .sort(),
    ).toEqual(PASSING)
  })

  it.each([
    ...['ENOENT', 'EACCES', 'EPERM', 'EROFS', 'EXDEV', 'ENAMETOOLONG', 'EISDIR', 'ENOTDIR', 'ELOOP', 'EINVAL'],
    ...['ENOSPC', 'EDQUOT', 'EIO', 'ENOTEMPTY', 'EEXIST', 'EFBIG', 'ENXIO', 'EMLINK', 'ENODEV', 'ENOSYS', 'EBADF'],
  ] as const)('that does not pass is permanent: %s', (code) => {
    expect(retried(code, constants.errno[code])).toBe(false)
  })
})

describe('what a server answers to a change', () => {
  it('is retried for these of all statuses', () => {
    const statuses = Array.from({ length: 200 }, (_, index) => 400 + index)
    const permanent = [501, 505, 506, 508, 510, 511]
    expect(statuses.filter(isPassingStatus)).toEqual([
      ...[408, 425, 429],
      ...statuses.filter((status) => status >= 500 && !permanent.includes(status)),
    ])
  })

  it('is reported so by the action: 503, 429, 400, 501', async () => {
    let status = 200
    await using site = await withSite((request, response) => {
      response.writeHead(request.method === 'POST' ? status : 404).end()
    })
    const verify = { kind: 'http' as const, target: 'site', path: '/made' }
    const post = { kind: 'http.request', input: { method: 'POST', target: 'site' }, verify }
    const table: [number, object][] = [
      [503, { code: 'unavailable', retryable: true }],
      [429, { code: 'unavailable', retryable: true }],
      [400, { code: 'effect_failed', retryable: false }],
      [501, { code: 'effect_failed', retryable: false }],
    ]
    for (const [answered, error] of table) {
      status = answered
      expect(await site.executor.run(post)).toMatchObject({ outcome: 'failed', error })
    }
  })
})

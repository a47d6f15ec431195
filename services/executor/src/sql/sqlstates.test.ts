import { describe, expect, it } from 'vitest'
import { readOnly } from './read-only-query.ts'
import { isTransient } from './sqlstates.ts'
import { refusedWrite } from './write-statement.ts'

// One code at least of every class that PostgreSQL documents.
const PERMANENT =
  `02000 03000 09000 0A000 0B000 0F000 0L000 0P000 0Z002 10608 20000 21000 22003 22012 22023 22P02 23502 23503 23505 23514
  23P01 24000 25001 25006 25P02 26000 27000 28000 28P01 2B000 2BP01 2D000 2F003 34000 38001 39001 3B001 3D000 3F000 42501
  42601 42703 42883 42P01 42P02 42P07 42P18 44000 54001 55000 55006 55P02 57014 58000 58P01 08P01 F0000 HV000 P0001 XX000`.split(
    /\s+/,
  )
const TRANSIENT =
  '08000 08001 08003 08004 08006 08007 40000 40001 40P01 53000 53100 53200 53300 55P03 57P01 57P02 57P03'.split(' ')

const thrown = (code: string) => Object.assign(new Error('refused'), { code })

describe('failures of a database', () => {
  it.each([
    [
      'a reading',
      (code: string) =>
        readOnly({ query: () => Promise.reject(thrown(code)) } as never, async () => 1).catch((error) => error),
    ],
    ['a statement', async (code: string) => refusedWrite(thrown(code))],
  ])('are tried again only where they may pass, of %s', async (_, refusedBy) => {
    for (const code of PERMANENT) expect(await refusedBy(code), code).toMatchObject({ retryable: false })
    for (const code of TRANSIENT)
      expect(await refusedBy(code), code).toMatchObject({ retryable: true, code: 'unavailable' })
  })

  it('may pass where no server has said anything', async () => {
    expect(isTransient(undefined)).toBe(true)
    expect(refusedWrite(new Error('Connection terminated unexpectedly'))).toMatchObject({ retryable: true })
  })
})

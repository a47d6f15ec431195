// Ids as people type them, with an answer for the one question that is asked.
import type { Bus } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { FindId } from '@deed/proto/find-id'
import { describe, expect, it } from 'vitest'
import { UsageError } from './exit-code.ts'
import { idText, wholeId } from './find-id.ts'
import { shownId, widthOf } from './terminal.ts'

const WHOLE = '01997d0e-8f2a-7c3b-9d4e-0d1e5f6a7b8c'
const OTHER = '01997d0e-8f2a-7c3b-9d4e-0000ff6a7b8c'

function busWith(...ids: string[]): { bus: Bus; asked: FindId[] } {
  const asked: FindId[] = []
  const call = async (_: unknown, input: FindId) => {
    asked.push(input)
    return { ids: ids.filter((id) => id.endsWith(input.ending)) }
  }
  return { bus: { call } as unknown as Bus, asked }
}

describe('an id', () => {
  it('is taken whole without a question', async () => {
    const { bus, asked } = busWith()
    expect(await wholeId(bus, ['execution'], ` ${WHOLE.toUpperCase()}`)).toBe(WHOLE)
    expect(asked).toEqual([])
  })

  it('is found by its end, among what it may be of', async () => {
    const { bus, asked } = busWith(WHOLE, OTHER)
    expect(await wholeId(bus, ['approval', 'execution'], '5F6A7B8C')).toBe(WHOLE)
    expect(asked).toEqual([{ ending: '5f6a7b8c', of: ['approval', 'execution'] }])
  })

  it('is refused with every id that ends so, where several do', async () => {
    const refused = wholeId(busWith(WHOLE, OTHER).bus, ['execution'], '6a7b8c')
    await expect(refused).rejects.toThrow(
      new UsageError(`several ids end with 6a7b8c; give more of the end:\n  ${WHOLE}\n  ${OTHER}`),
    )
  })

  it('is not found where none ends so', async () => {
    const refused = wholeId(busWith(WHOLE).bus, ['grant'], '00000000')
    await expect(refused).rejects.toThrow(new DeedError('not_found', 'no grant has an id that ends with 00000000'))
  })

  it('is no other text', async () => {
    for (const text of ['', 'abc', 'xyzw', '5f6a7b8c-', `${WHOLE}0`, '01997d0e8f2a7']) {
      expect(() => idText(text)).toThrow('must be an id')
      await expect(wholeId(busWith().bus, ['task'], text)).rejects.toThrow('is not the id of a task')
    }
  })

  it('that a terminal shows is one that can be typed', async () => {
    const { bus } = busWith(WHOLE, OTHER)
    expect(await wholeId(bus, ['execution'], shownId(WHOLE, 80))).toBe(WHOLE)
    expect(shownId(WHOLE, Number.POSITIVE_INFINITY)).toBe(WHOLE)
  })
})

describe('the width of the output', () => {
  it.each([
    [{ isTTY: true, columns: 80 }, {}, 80],
    [{ isTTY: true, columns: 10 }, {}, 40],
    [{ isTTY: true, columns: 100 }, { COLUMNS: '60' }, 100],
    [{}, { COLUMNS: '60' }, 60],
    [{}, {}, Number.POSITIVE_INFINITY],
    [{}, { COLUMNS: 'wide' }, Number.POSITIVE_INFINITY],
  ])('of %j with %j is %d', (stream, env, width) => {
    expect(widthOf(stream, env)).toBe(width)
  })
})

// Every way to write an address that is not to be reached, in a URL as a caller gives it.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { guardedRequest } from './guarded-request.ts'

const PRIVATE: readonly (readonly [network: string, bits: number])[] = [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
  ] as const),
  ...([
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ] as const),
]
const numberOf = (address: string) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
const partsOf = (number: number) => [number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255]

/** An address of one of these networks. */
const address = fc
  .constantFrom(...PRIVATE)
  .chain(([network, bits]) => fc.nat({ max: 2 ** (32 - bits) - 1 }).map((host) => numberOf(network) + host))

/** As URL parsers, C libraries and IPv6 take it. */
const SPELLINGS: readonly ((number: number) => string)[] = [
  (number) => partsOf(number).join('.'),
  (number) => String(number),
  (number) => `0x${number.toString(16)}`,
  (number) => `0${number.toString(8)}`,
  (number) =>
    partsOf(number)
      .map((part) => `0x${part.toString(16)}`)
      .join('.'),
  (number) =>
    partsOf(number)
      .map((part) => `0${part.toString(8)}`)
      .join('.'),
  (number) => `${number >>> 24}.${number & 0xffffff}`,
  (number) => `${number >>> 24}.${(number >>> 16) & 255}.${number & 0xffff}`,
  (number) => `${partsOf(number).join('.')}.`,
  (number) => partsOf(number).join('%2e'),
  (number) =>
    [...partsOf(number).join('.')]
      .map((char) => (char === '.' ? '。' : String.fromCodePoint(char.codePointAt(0)! + 0xfee0)))
      .join(''),
  (number) => `[::ffff:${partsOf(number).join('.')}]`,
  (number) => `[::ffff:${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}]`,
  (number) => `[64:ff9b::${partsOf(number).join('.')}]`,
  (number) => `[0:0:0:0:0:ffff:${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}]`,
  (number) => `[2002:${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}::1]`,
]

describe('an address that is not to be reached', () => {
  it('is not, however it is written', async () => {
    let sent = 0
    await fc.assert(
      fc.asyncProperty(
        address,
        fc.constantFrom(...SPELLINGS),
        fc.constantFrom('http', 'https'),
        async (number, spell, scheme) => {
          const asked = guardedRequest({
            method: 'GET',
            url: `${scheme}://${spell(number)}:1/`,
            headers: {},
            timeoutMs: 2_000,
            signal: new AbortController().signal,
            beforeSend: () => sent++,
          })
          await expect(asked).rejects.toMatchObject({ code: 'blocked_address' })
        },
      ),
      { numRuns: 1_000 },
    )
    expect(sent).toBe(0)
  })
})

import { ExecutionId, PrincipalName } from '@deed/proto/ids'
import { expect, it } from 'vitest'
import { type Encoded, openSharedReads } from './shared-reads.ts'

const ann = { tenant: PrincipalName.parse('acme'), user: PrincipalName.parse('ann') }
const bob = { ...ann, user: PrincipalName.parse('bob') }
const eve = { tenant: PrincipalName.parse('other'), user: PrincipalName.parse('eve') }
const textOf = (answer: Encoded): string => new TextDecoder().decode(answer)

/** Reads that end when they are told to. */
function counted() {
  const begun: PromiseWithResolvers<string>[] = []
  return {
    begun,
    read: () => {
      const one = Promise.withResolvers<string>()
      begun.push(one)
      return one.promise
    },
  }
}

it('a read that many make at the same time is made twice: by the first, and for all others after it', async () => {
  const reads = openSharedReads()
  const { begun, read } = counted()
  const answers = [ann, bob, ann, bob].map((one) => reads.ask('execution.list', { limit: 5 }, one, read))
  expect(begun.length).toBe(1)
  begun[0]?.resolve('before')
  await expect.poll(() => begun.length).toBe(2)
  begun[1]?.resolve('after')
  expect((await Promise.all(answers)).map(textOf)).toEqual(['"before"', '"after"', '"after"', '"after"'])
})

it('nobody is given an answer of another tenant, of another question, or of a read that is not shared', async () => {
  const reads = openSharedReads()
  const { begun, read } = counted()
  const asked = [
    reads.ask('execution.list', { limit: 5 }, ann, read),
    reads.ask('execution.list', { limit: 5 }, eve, read),
    reads.ask('execution.list', { limit: 6 }, ann, read),
    reads.ask('execution.get', { execution_id: ExecutionId.parse(crypto.randomUUID()) }, ann, read),
    reads.ask('approval.list', {}, ann, read),
    reads.ask('approval.list', {}, ann, read),
  ]
  expect(begun.length).toBe(asked.length)
  begun.forEach((one, index) => {
    one.resolve(`${index}`)
  })
  expect((await Promise.all(asked)).map(textOf)).toEqual(asked.map((_, index) => `"${index}"`))
})

it('of reads without a pause, only some in a second are made, and all who waited have the last one', async () => {
  let time = 0
  const reads = openSharedReads(() => time)
  let made = 0
  const read = async () => ++made
  for (let round = 0; round < 4; round++) await reads.ask('task.list', {}, ann, read)
  expect(made).toBe(4)
  const waiting = [ann, bob].map((one) => reads.ask('task.list', {}, one, read))
  expect(made).toBe(4)
  expect((await Promise.all(waiting)).map(textOf)).toEqual(['5', '5'])
  time = 10_000
  await reads.ask('task.list', {}, ann, read)
  expect(made).toBe(6)
})

it('an error is for all who share it, and the next one who asks is answered', async () => {
  const reads = openSharedReads()
  const failing = async () => {
    throw new Error('away')
  }
  const asked = [ann, bob].map((one) => reads.ask('execution.stats', {}, one, failing))
  for (const one of asked) await expect(one).rejects.toThrow('away')
  expect(textOf(await reads.ask('execution.stats', {}, ann, async () => 'here'))).toBe('"here"')
})

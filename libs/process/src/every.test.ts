// Every periodic job of a service is one of these.
import { createLogger } from '@deed/telemetry/logger'
import { expect, it } from 'vitest'
import { every } from './every.ts'
import { until } from './until.ts'

const options = { failed: 'the job failed', log: createLogger('test') }

it('runs again and again, one run at a time, although runs fail', async () => {
  let [runs, together, most] = [0, 0, 0]
  await using _ = every(
    1,
    async () => {
      most = Math.max(most, ++together)
      await new Promise((resolve) => setTimeout(resolve, 5))
      together--
      if (++runs % 2 === 0) throw new Error('every second run fails')
    },
    { ...options, firstMs: 0 },
  )
  await until(() => runs >= 5)
  expect(most).toBe(1)
})

it('runs at once when it is hurried, once for many calls, and not after it was disposed of', async () => {
  let runs = 0
  const job = every(3_600_000, async () => void runs++, options)
  expect(runs).toBe(0)
  job.hurry()
  job.hurry()
  await until(() => runs > 0)
  expect(runs).toBe(1)
  await job[Symbol.asyncDispose]()
  job.hurry()
  expect(runs).toBe(1)
})

it('waits, when it is disposed of, for the run that is under way', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let ended = false
  const run = async (): Promise<void> => {
    await promise
    ended = true
  }
  const job = every(3_600_000, run, { ...options, firstMs: 0 })
  const disposed = job[Symbol.asyncDispose]().then(() => ended)
  resolve()
  expect(await disposed).toBe(true)
})

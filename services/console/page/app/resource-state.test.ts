import { expect, it, vi } from 'vitest'
import { CallError } from './call.ts'
import { createResource } from './resource-state.ts'

const now = { pauseMs: 0, retryMs: 0 }

it('the last value stays while the next one is loaded', async () => {
  const answers = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  let loads = 0
  const resource = createResource(() => answers[loads++]!.promise, now)
  resource.reload()
  expect(resource.state.value).toMatchObject({ value: undefined, loading: true })
  answers[0]?.resolve('one')
  await expect.poll(() => resource.state.value).toMatchObject({ value: 'one', loading: false })
  resource.reload()
  await expect.poll(() => resource.state.value).toMatchObject({ value: 'one', loading: true })
  answers[1]?.resolve('two')
  await expect.poll(() => resource.state.value).toMatchObject({ value: 'two', loading: false, error: undefined })
})

it('many reloads during a load are one more load, after it', async () => {
  const first = Promise.withResolvers<number>()
  const load = vi.fn(async () => (load.mock.calls.length === 1 ? first.promise : load.mock.calls.length))
  const resource = createResource(load, now)
  for (let calls = 0; calls < 10; calls++) resource.reload()
  expect(load).toHaveBeenCalledTimes(1)
  first.resolve(1)
  await expect.poll(() => resource.state.value.value).toBe(2)
  expect(load).toHaveBeenCalledTimes(2)
})

it('an error keeps the last value, and one that may pass is tried again', async () => {
  let loads = 0
  const resource = createResource(async () => {
    loads += 1
    if (loads === 2) throw new CallError('unavailable', 'later', true)
    return loads
  }, now)
  const seen: unknown[] = []
  resource.state.subscribe(({ value, error }) => seen.push([value, error?.message]))
  resource.reload()
  await expect.poll(() => resource.state.value.value).toBe(1)
  resource.reload()
  await expect.poll(() => resource.state.value).toMatchObject({ value: 3, error: undefined })
  expect(seen).toContainEqual([1, 'later'])
})

it('an error that will not pass is not tried again', async () => {
  const load = vi.fn(async () => {
    throw new CallError('forbidden', 'no', false)
  })
  const resource = createResource(load, now)
  resource.reload()
  await expect.poll(() => resource.state.value.error?.message).toBe('no')
  // Another one, begun later, has been tried again meanwhile.
  const other = vi.fn(async () => {
    throw new CallError('unavailable', 'later', true)
  })
  const retried = createResource(other, now)
  retried.reload()
  await expect.poll(() => other.mock.calls.length).toBeGreaterThan(2)
  retried.close()
  expect(load).toHaveBeenCalledTimes(1)
})

it('a closed resource aborts its load, and takes no answer', async () => {
  const answer = Promise.withResolvers<string>()
  let given: AbortSignal | undefined
  const resource = createResource((signal) => {
    given = signal
    return answer.promise
  }, now)
  resource.reload()
  resource.close()
  expect(given?.aborted).toBe(true)
  answer.resolve('late')
  await answer.promise
  expect(resource.state.value.value).toBeUndefined()
})

it('after a pause a few loads follow each other at once, and those after them wait', async () => {
  const load = vi.fn(async () => load.mock.calls.length)
  const resource = createResource(load, { pauseMs: 3_600_000 })
  for (let times = 1; times <= 3; times++) {
    resource.reload()
    await expect.poll(() => resource.state.value.value).toBe(times)
  }
  resource.reload()
  expect(load).toHaveBeenCalledTimes(3)
  resource.close()
})

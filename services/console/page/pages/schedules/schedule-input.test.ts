import { putSchedule } from '@deed/proto/schedule'
import { expect, it } from 'vitest'
import { scheduleOf } from './schedule-input.ts'

it('a span is an interval, and anything else is an expression of cron with its zone', () => {
  const typed = { name: 'night', task: 'count', timezone: 'Europe/Berlin', overlap: 'queue', catch_up: 'none' }
  expect(scheduleOf({ ...typed, times: '1h' })).toEqual({
    name: 'night',
    request: { task: 'count' },
    every_ms: 3_600_000,
    overlap: 'queue',
    catch_up: 'none',
  })
  expect(scheduleOf({ ...typed, times: '30 2 * * *' })).toMatchObject({ cron: '30 2 * * *', timezone: 'Europe/Berlin' })
})

it('what was typed is what the contract takes', () => {
  for (const times of ['30s', '@daily']) {
    expect(putSchedule.input.safeParse(scheduleOf({ name: 'night', task: 'count', times })).success, times).toBe(true)
  }
})

/**
 * Reads that many open pages make at the same time, since the same thing happened: one of them asks the mesh, and all have its
 * answer, encoded once. A read begins after all who share it have asked, so it is as fresh as one of their own.
 */
import { jsonText } from '@deed/json/json-text'
import type { Principal } from '@deed/proto/ids'

/** Reads whose answer is the same for all people of a tenant. */
const SHARED: ReadonlySet<string> = new Set(['execution.list', 'execution.stats', 'execution.history', 'task.list'])

export const isShared = (subject: string): boolean => SHARED.has(subject)

/** Of one read: so many at once after a pause, and so many in a second from then on. */
const AT_ONCE = 4
const PER_SECOND = 2

export type Encoded = Uint8Array<ArrayBuffer>

export interface SharedReads {
  /** @param read asks the mesh @returns its answer as JSON @throws what it throws, for all who share it */
  ask(subject: string, input: unknown, principal: Principal, read: () => Promise<unknown>): Promise<Encoded>
}

interface Reading {
  running: Promise<unknown> | undefined
  /** Not begun yet: who asks now shares it. */
  next: Promise<Encoded> | undefined
  credit: number
  countedAt: number
}

/** @param now in milliseconds */
export function openSharedReads(now: () => number = () => performance.now()): SharedReads {
  const readings = new Map<string, Reading>()

  const waitMs = (reading: Reading): number => {
    const passed = now() - reading.countedAt
    reading.countedAt += passed
    reading.credit = Math.min(AT_ONCE, reading.credit + (passed / 1_000) * PER_SECOND)
    return reading.credit >= 1 ? 0 : ((1 - reading.credit) / PER_SECOND) * 1_000
  }
  const begin = (key: string, reading: Reading, read: () => Promise<unknown>): Promise<Encoded> => {
    reading.credit -= 1
    const answer = read().then(encoded)
    const ended = (): void => {
      if (reading.running !== running) return
      reading.running = undefined
      if (reading.next === undefined) forgetLater(key, reading)
    }
    const running = answer.then(ended, ended)
    reading.running = running
    return answer
  }
  /** What nobody asks again within a second is forgotten. */
  const forgetLater = (key: string, reading: Reading): void => {
    setTimeout(() => {
      if (readings.get(key) === reading && !reading.running && !reading.next) readings.delete(key)
    }, 1_000).unref()
  }

  return {
    async ask(subject, input, { tenant }, read) {
      if (!isShared(subject)) return encoded(await read())
      const key = `${tenant} ${subject} ${jsonText(input)}`
      const reading = readings.get(key) ?? {
        ...{ running: undefined, next: undefined, credit: AT_ONCE, countedAt: now() },
      }
      readings.set(key, reading)
      if (reading.next) return reading.next
      const ms = waitMs(reading)
      if (!reading.running && ms === 0) return begin(key, reading, read)
      const next = Promise.all([reading.running, new Promise((resolve) => setTimeout(resolve, ms))]).then(() => {
        reading.next = undefined
        return begin(key, reading, read)
      })
      reading.next = next
      return next
    },
  }
}

const encoded = (answer: unknown): Encoded => new TextEncoder().encode(jsonText(answer))

/** Ids of executions: they begin with the time of acceptance by the database's clock, so their order is that of time. */
import { randomUUIDv7 } from 'node:crypto'
import type { ExecutionId } from '@deed/proto/ids'

const HEX = 16
/** Of a UUIDv7, in hexadecimal digits. */
const TIME_DIGITS = 12

/** @param ms milliseconds since 1970 */
export const executionIdAt = (ms: number): ExecutionId => (beginningAt(ms) + randomUUIDv7().slice(13)) as ExecutionId

/** The lowest id of an execution that was accepted at `ms`, in milliseconds since 1970, or later. */
export const lowestIdAt = (ms: number): ExecutionId => `${beginningAt(ms)}-0000-0000-000000000000` as ExecutionId

function beginningAt(ms: number): string {
  const time = Math.max(0, Math.ceil(ms)).toString(HEX).padStart(TIME_DIGITS, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}`
}

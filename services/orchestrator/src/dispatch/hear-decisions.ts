/**
 * What the organization decided, as this replica knows it: which targets are held, and the order of what waits.
 *
 * It is read when a decision is reported, and regularly in case a report was lost; so handing out work asks nothing.
 */
import type { Bus } from '@deed/mesh/bus'
import { every } from '@deed/process/every'
import { decisionEvent } from '@deed/proto/decision'
import type { ExecutionId } from '@deed/proto/ids'
import type { Log } from '@deed/telemetry/logger'
import type { Decided } from '../store/decided.ts'
import type { OrderOf } from './fair-queue.ts'

const EVERY_MS = 5_000

export interface Decisions extends AsyncDisposable {
  /** The executions of a tenant that come before its others, in their order. */
  readonly orderOf: OrderOf
  /** Whether a role holds the target; if so, the execution is resumed at the end of that. */
  isHeld(tenant: string, target: string, id: ExecutionId): boolean
}

interface Dependencies {
  readonly bus: Pick<Bus, 'nc'>
  readonly log: Log
  read(): Promise<Decided>
  wake(id: ExecutionId): Promise<unknown>
}

export function hearDecisions({ bus, log, read, wake }: Dependencies): Decisions {
  let order = new Map<string, string[]>()
  let held = new Set<string>()
  /** By held target. */
  const waiting = new Map<string, Set<ExecutionId>>()

  const readOnce = async (): Promise<void> => {
    const decided = await read()
    held = new Set(decided.holds.map(({ tenant, target }) => keyOf(tenant, target)))
    order = new Map()
    for (const { tenant, execution_id } of decided.order)
      order.set(tenant, [...(order.get(tenant) ?? []), execution_id])
    for (const [key, ids] of waiting) {
      if (held.has(key)) continue
      waiting.delete(key)
      for (const id of ids) void wake(id)
    }
  }
  const reading = every(EVERY_MS, readOnce, {
    ...{ failed: 'reading what the organization decided failed; retrying', log, firstMs: 0 },
  })
  const subscription = bus.nc.subscribe(decisionEvent.subject.replace('*.*', '*.completed'), {
    callback: () => reading.again(),
  })
  return {
    orderOf: (tenant) => order.get(tenant) ?? [],
    isHeld(tenant, target, id) {
      const key = keyOf(tenant, target)
      if (!held.has(key)) return false
      const ids = waiting.get(key) ?? new Set()
      waiting.set(key, ids.add(id))
      return true
    },
    async [Symbol.asyncDispose]() {
      subscription.unsubscribe()
      await reading[Symbol.asyncDispose]()
    },
  }
}

const keyOf = (tenant: string, target: string): string => `${tenant}\n${target}`

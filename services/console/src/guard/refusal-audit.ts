/**
 * What the console refused, in the audit log. However much is refused, little is written: refusals that are equal but for
 * their time are one entry, and in each window only some have their person, address and subject; the others are counted.
 */
import type { Bus } from '@deed/mesh/bus'
import { AUDITED_REFUSALS_MAX, type AuditedRefusal, recordRefusals } from '@deed/proto/audit'
import { CONTRACTS } from '@deed/proto/contracts'
import { LOCAL } from '@deed/proto/ids'
import { serviceAs } from '@deed/proto/permissions'
import type { Log } from '@deed/telemetry/logger'
import type { Refused } from './refusal.ts'

const WINDOW_MS = 30_000
/** Entries of a window that say who, whence and what. */
const DETAILED_MAX = 20
/** What is refused meanwhile is written together. */
const WRITE_MS = 1_000
const CALLS = '/api/call/'
const SUBJECTS: ReadonlySet<string> = new Set(CONTRACTS.map(({ subject }) => subject))

type What = Pick<AuditedRefusal, 'reason' | 'code'>
interface Entry {
  readonly tenant: string
  readonly refusal: AuditedRefusal
}

/** Disposing writes what is pending. */
export interface RefusalAudit extends AsyncDisposable {
  add(what: What, about: Refused): void
}

/** @param windowMs in which so many entries are detailed */
export function openRefusalAudit(bus: Pick<Bus, 'call'>, log: Log, windowMs = WINDOW_MS): RefusalAudit {
  const detailed = new Map<string, Entry>()
  /** By tenant, reason and code alone; written at the end of the window. */
  const counted = new Map<string, Entry>()
  let windowFrom = Number.NEGATIVE_INFINITY
  let made = 0
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined

  const merge = (into: Map<string, Entry>, { tenant, refusal }: Entry): void => {
    const { count, first_at, last_at, ...same } = refusal
    const key = JSON.stringify([tenant, Object.entries(same)])
    const before = into.get(key)?.refusal
    const sum = { count: count + (before?.count ?? 0), first_at: before?.first_at ?? first_at, last_at }
    into.set(key, { tenant, refusal: { ...same, ...sum } })
  }
  const withoutDetails = ({ tenant, refusal }: Entry): Entry => {
    const { reason, code, count, first_at, last_at } = refusal
    return { tenant, refusal: { reason, code, count, first_at, last_at } }
  }
  const roll = (): boolean => {
    const over = Date.now() - windowFrom >= windowMs
    if (over) [windowFrom, made] = [Date.now(), 0]
    return over
  }
  const schedule = (): void => {
    if (writing || timer || detailed.size + counted.size === 0) return
    const waitMs = detailed.size > 0 ? WRITE_MS : Math.max(WRITE_MS, windowFrom + windowMs - Date.now())
    timer = setTimeout(() => void write(), waitMs)
  }
  const record = async (tenant: string, entries: readonly Entry[]): Promise<void> => {
    const refusals = entries.slice(0, AUDITED_REFUSALS_MAX).map(({ refusal }) => refusal)
    try {
      await bus.call(recordRefusals, { tenant, refusals }, { principal: serviceAs('console') })
      for (const entry of entries.slice(AUDITED_REFUSALS_MAX)) merge(counted, withoutDetails(entry))
    } catch (error) {
      log.warn({ err: error, tenant }, 'refusals could not be audited; they are counted, and the log has them')
      for (const entry of entries) merge(counted, withoutDetails(entry))
    }
  }
  const write = async (all = false): Promise<void> => {
    timer = undefined
    const ready = [...detailed.values()]
    detailed.clear()
    if (all || roll()) {
      ready.push(...counted.values())
      counted.clear()
    }
    const tenants = Map.groupBy(ready, ({ tenant }) => tenant)
    writing = Promise.all([...tenants].map(([tenant, entries]) => record(tenant, entries))).then(() => undefined)
    await writing
    writing = undefined
    if (!all) schedule()
  }

  return {
    add(what, { tenant = LOCAL.tenant, user, path = '', address }) {
      if (counted.size === 0) roll()
      const at = new Date().toISOString()
      const subject = path.slice(CALLS.length)
      const details = {
        ...(user === undefined ? {} : { user }),
        ...(path.startsWith(CALLS) && SUBJECTS.has(subject) ? { subject } : {}),
        ...(address === undefined ? {} : { address }),
      }
      const entry = { tenant, refusal: { ...what, ...details, count: 1, first_at: at, last_at: at } }
      const { size } = detailed
      if (made < DETAILED_MAX) merge(detailed, entry)
      else merge(counted, withoutDetails(entry))
      if (detailed.size > size) made++
      schedule()
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer)
      await writing
      clearTimeout(timer)
      await write(true)
    },
  }
}

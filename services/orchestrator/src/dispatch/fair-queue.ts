/**
 * A fair queue: higher priorities first, equal priorities by tenant in turn, and within a tenant in the order that was
 * decided for it, else first in, first out. So a tenant with ten thousand items does not delay another's first one.
 */

export interface Waiting {
  /** Identifies the waiting item; unique in the queue. */
  id: string
  tenant: string
  /** 0 is first, 9 is last. */
  priority: number
}

export interface FairQueue<Item> {
  /** An item that is already queued keeps its place. */
  add(waiting: Waiting, item: Item): void
  /** No-op if it is not queued. */
  remove(id: string): void
  /** Dequeues the next item. */
  next(): Item | undefined
  waitingOf(tenant: string): number
  readonly size: number
}

/** The ids of a tenant that come before its others, in their order; few. */
export type OrderOf = (tenant: string) => readonly string[]

const PRIORITIES = 10

/** @param orderOf asked at each turn, so that another order counts for what is queued already */
export function fairQueue<Item>(orderOf: OrderOf = () => []): FairQueue<Item> {
  /** By priority, by tenant, by id; the tenant whose turn it is comes first. */
  const queues = Array.from({ length: PRIORITIES }, () => new Map<string, Map<string, Item>>())
  const placeOf = new Map<string, Waiting>()
  const counts = new Map<string, number>()

  const count = (tenant: string, change: number): void => {
    const now = (counts.get(tenant) ?? 0) + change
    if (now === 0) counts.delete(tenant)
    else counts.set(tenant, now)
  }

  const remove = (id: string): void => {
    const place = placeOf.get(id)
    if (!place) return
    placeOf.delete(id)
    count(place.tenant, -1)
    const tenants = queues[place.priority]
    const items = tenants?.get(place.tenant)
    items?.delete(id)
    if (items?.size === 0) tenants?.delete(place.tenant)
  }

  return {
    add({ id, tenant, priority }, item) {
      const bounded = Math.min(Math.max(priority, 0), PRIORITIES - 1)
      const before = placeOf.get(id)
      if (before && (before.tenant !== tenant || before.priority !== bounded)) remove(id)
      const tenants = queues[bounded]
      const items = tenants?.get(tenant) ?? new Map<string, Item>()
      items.set(id, item)
      tenants?.set(tenant, items)
      if (placeOf.has(id)) return
      placeOf.set(id, { id, tenant, priority: bounded })
      count(tenant, 1)
    },
    remove,
    next() {
      for (const tenants of queues) {
        for (const [tenant, items] of tenants) {
          const id = orderOf(tenant).find((one) => items.has(one)) ?? firstOf(items)
          const item = id === undefined ? undefined : items.get(id)
          if (id === undefined || item === undefined) continue
          // The tenant moves to the end of the rotation.
          tenants.delete(tenant)
          tenants.set(tenant, items)
          remove(id)
          return item
        }
      }
      return undefined
    },
    waitingOf: (tenant) => counts.get(tenant) ?? 0,
    get size() {
      return placeOf.size
    },
  }
}

function firstOf<Item>(items: ReadonlyMap<string, Item>): string | undefined {
  for (const id of items.keys()) return id
  return undefined
}

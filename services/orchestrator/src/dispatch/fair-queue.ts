/**
 * Who comes next of those that wait: higher priorities first, among equals each tenant in turn, and within a tenant in
 * the order of their coming. So a tenant with ten thousand waiting is not ahead of another's first.
 */

export interface Waiting {
  /** Of whoever waits; once in the queue. */
  id: string
  tenant: string
  /** 0 is first, 9 is last. */
  priority: number
}

export interface FairQueue<Item> {
  /** Who waits already keeps its place. */
  add(waiting: Waiting, item: Item): void
  /** Who does not wait is not missed. */
  remove(id: string): void
  /** Takes the next one out. */
  next(): Item | undefined
  waitingOf(tenant: string): number
  readonly size: number
}

const PRIORITIES = 10

export function fairQueue<Item>(): FairQueue<Item> {
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
          for (const [id, item] of items) {
            // Its next turn comes after everybody else's.
            tenants.delete(tenant)
            tenants.set(tenant, items)
            remove(id)
            return item
          }
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

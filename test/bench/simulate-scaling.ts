/**
 * How many executions a second a mesh of many replicas carries, by simulation: requests arrive by chance, each part of an
 * execution takes a core of its service and then a core of PostgreSQL, and waits where all are busy. The times are those
 * that `npm run bench -- --only execution.rule` has recorded; the simulation adds nothing but the waiting.
 */
import { randomFrom } from '@deed/drill/harness/random'

export interface ServiceTimes {
  /** CPU of one execution on a core of each part, in milliseconds, with many in flight. */
  readonly orchestrator: number
  readonly executor: number
  /** Agent, optimizer, decomposer and cache: one of each is one replica. */
  readonly thinking: number
  readonly postgresql: number
  readonly nats: number
  /** The log of a primary, which is written by one after the other. */
  readonly log: number
}

/** WAL of an execution, as recorded, and what a disk is taken to write of it in a second. */
export const LOG = { kB: 13.4, mbPerSecond: 200 } as const

/**
 * With 64 in flight. The split is that of a run on a busy machine (12.5 CPU-s for a thousand), scaled to the 4.5 CPU-s of
 * docs/operations.md, where nothing else ran; without 1 % for the console.
 */
export const RECORDED: ServiceTimes = {
  orchestrator: 1.8,
  executor: 1.24,
  thinking: 0.58,
  postgresql: 0.69,
  nats: 0.13,
  log: LOG.kB / LOG.mbPerSecond,
}

export interface Mesh {
  /** Of the orchestrator, the executor and each thinking service; one process uses one core. */
  readonly replicas: number
  /** PostgreSQL primaries that share the tenants, and cores of each. */
  readonly shards: number
  readonly databaseCores: number
  readonly natsCores: number
}

export interface Outcome {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of the part that is busiest: its share of the time. */
  readonly busiest: { readonly part: string; readonly share: number }
}

/** The order in which an execution meets the parts; each visit takes its share of what the part takes in all. */
const WAY: readonly (keyof ServiceTimes)[] = [
  ...['nats', 'orchestrator', 'nats', 'thinking', 'nats', 'orchestrator', 'postgresql', 'log'],
  ...['nats', 'executor', 'postgresql', 'log', 'executor', 'postgresql', 'log', 'nats'],
  ...['orchestrator', 'postgresql', 'log', 'nats'],
] as (keyof ServiceTimes)[]

/**
 * @param perSecond executions that arrive
 * @param seed the same gives the same outcome
 */
export function simulate(mesh: Mesh, perSecond: number, { count = 10_000, seed = 1, times = RECORDED } = {}): Outcome {
  const random = randomFrom(seed)
  const chance = (mean: number): number => -Math.log(1 - random.next()) * mean
  const visits = Object.fromEntries(WAY.map((part) => [part, WAY.filter((other) => other === part).length]))
  const parts = Object.fromEntries(
    (Object.keys(times) as (keyof ServiceTimes)[]).map((part) => [
      part,
      Array.from({ length: groupsOf(part, mesh) }, () => new Cores(coresOf(part, mesh))),
    ]),
  ) as Record<keyof ServiceTimes, Cores[]>
  const queue = new Events()
  let arrival = 0
  for (let number = 0; number < count; number++) {
    arrival += chance(1000 / perSecond)
    queue.add({ at: arrival, step: 0, begun: arrival, group: random.next() })
  }
  const took: number[] = []
  let last = 0
  for (let event = queue.take(); event; event = queue.take()) {
    const part = WAY[event.step]
    if (part === undefined) {
      took.push(event.at - event.begun)
      last = Math.max(last, event.at)
      continue
    }
    const groups = parts[part]
    const cores = groups[Math.floor(event.group * groups.length)]
    if (!cores) throw new Error(`there is no ${part}`)
    queue.add({ ...event, step: event.step + 1, at: cores.use(event.at, chance(times[part] / (visits[part] ?? 1))) })
  }
  took.sort((one, other) => one - other)
  const shares = Object.entries(parts).map(([part, groups]) => ({
    part,
    share: Math.max(...groups.map((cores) => cores.busyMs / cores.count / last)),
  }))
  const busiest = shares.reduce((one, other) => (other.share > one.share ? other : one))
  const at = (percent: number): number =>
    took[Math.min(took.length - 1, Math.ceil((took.length * percent) / 100) - 1)] ?? 0
  return { perSecond: (took.length / last) * 1000, p50Ms: at(50), p99Ms: at(99), busiest }
}

/** Executions a second at which the part that is busiest takes so much of its time. */
export function loadAt(mesh: Mesh, share: number, times = RECORDED): number {
  const parts = Object.entries(times) as [keyof ServiceTimes, number][]
  return Math.min(...parts.map(([part, ms]) => (share * 1000 * coresOf(part, mesh) * groupsOf(part, mesh)) / ms))
}

const groupsOf = (part: keyof ServiceTimes, { shards }: Mesh): number =>
  part === 'postgresql' || part === 'log' ? shards : 1

function coresOf(part: keyof ServiceTimes, { replicas, databaseCores, natsCores }: Mesh): number {
  if (part === 'log') return 1
  if (part === 'postgresql') return databaseCores
  return part === 'nats' ? natsCores : replicas
}

/** Cores that take what comes first, first. */
class Cores {
  readonly count: number
  busyMs = 0
  readonly #free: number[]

  constructor(count: number) {
    this.count = count
    this.#free = Array.from({ length: count }, () => 0)
  }

  /** @returns when it is done */
  use(from: number, ms: number): number {
    const earliest = Math.min(...this.#free)
    const first = this.#free.indexOf(earliest)
    const done = Math.max(from, earliest) + ms
    this.#free[first] = done
    this.busyMs += ms
    return done
  }
}

interface Event {
  readonly at: number
  readonly step: number
  readonly begun: number
  /** Of its tenant: from 0 to 1, evenly. */
  readonly group: number
}

/** The next event is the earliest: a binary heap. */
class Events {
  readonly #heap: Event[] = []

  add(event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]!.at <= event.at) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = event
  }

  take(): Event | undefined {
    const heap = this.#heap
    const [first] = heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++
      if (heap[child]!.at >= last.at) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

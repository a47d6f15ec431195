/** Whether a process can do its work now: what `/readyz` answers. */
import type { ServiceName } from '@deed/proto/contract'

/** Why a part of a service cannot work now; undefined if it can. It may reject, and it may hang. */
export type Probe = () => Promise<string | undefined>

interface Readiness {
  readonly ready: boolean
  /** It is ready only while it serves. */
  readonly phase: Phase
  readonly checks: readonly { service: ServiceName; name: string; ok: boolean; why?: string | undefined }[]
}

type Phase = 'starting' | 'serving' | 'draining'

/** For how long a result is given again: a request costs a query at most this often. */
const CACHED_MS = 1_000
const PROBE_MS_MAX = 3_000

let phase: Phase = 'starting'

/** Of this process, and so of every service in it. */
export function enterPhase(next: 'serving' | 'draining'): void {
  phase = next
}

export interface Probes {
  /** @param probes by the name of the part that each asks */
  add(service: ServiceName, probes: Readonly<Record<string, Probe>>): void
  read(): Promise<Readiness>
}

export function openProbes(): Probes {
  const asked: (() => Promise<Readiness['checks'][number]>)[] = []
  let last: { at: number; checks: Promise<Readiness['checks']> } | undefined
  return {
    add(service, probes) {
      for (const [name, probe] of Object.entries(probes)) {
        const ask = bounded(probe)
        asked.push(async () => {
          const why = await ask()
          return { service, name, ok: why === undefined, why }
        })
      }
      last = undefined
    },
    async read() {
      if (phase !== 'serving') return { ready: false, phase, checks: [] }
      const now = performance.now()
      if (last === undefined || now - last.at > CACHED_MS) {
        last = { at: now, checks: Promise.all(asked.map((ask) => ask())) }
      }
      const checks = await last.checks
      return { ready: checks.every(({ ok }) => ok), phase, checks }
    },
  }
}

/** A probe that hangs is not asked again before it has ended, so that nothing queues up behind it. */
function bounded(probe: Probe): Probe {
  let running: Promise<string | undefined> | undefined
  return async () => {
    running ??= probe()
      .catch((error: unknown) => (error instanceof Error && error.message) || 'it does not answer')
      .finally(() => {
        running = undefined
      })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`no answer within ${PROBE_MS_MAX} ms`), PROBE_MS_MAX)
    })
    try {
      return await Promise.race([running, late])
    } finally {
      clearTimeout(timer)
    }
  }
}

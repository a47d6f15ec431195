/** Leaves a model alone for a while after it has failed several times in a row. */

/** Failures in a row that open the circuit. */
const FAILURES_MAX = 3
const OPEN_MS = 30_000

export interface CircuitBreaker {
  /** Whether it may be asked now. After the pause one caller may, and the others wait for what comes of it. */
  mayAsk(model: string, nowMs: number): boolean
  succeeded(model: string): void
  failed(model: string, nowMs: number): void
}

interface Circuit {
  failures: number
  openUntilMs: number
}

/** @returns breakers by model; times are those of one monotonic clock, in milliseconds */
export function circuitBreaker(): CircuitBreaker {
  const circuits = new Map<string, Circuit>()
  return {
    mayAsk(model, nowMs) {
      const circuit = circuits.get(model)
      if (!circuit || circuit.failures < FAILURES_MAX) return true
      if (nowMs < circuit.openUntilMs) return false
      circuit.openUntilMs = nowMs + OPEN_MS
      return true
    },
    succeeded(model) {
      circuits.delete(model)
    },
    failed(model, nowMs) {
      const failures = (circuits.get(model)?.failures ?? 0) + 1
      circuits.set(model, { failures, openUntilMs: nowMs + OPEN_MS })
    },
  }
}

/** Skips a model for a while after several consecutive failures. */

/** Consecutive failures that open the circuit. */
const FAILURES_MAX = 3
const OPEN_MS = 30_000

export interface CircuitBreaker {
  /** Whether the model may be asked now. After the pause one caller may try; the others wait for its result. */
  mayAsk(model: string, nowMs: number): boolean
  succeeded(model: string): void
  failed(model: string, nowMs: number): void
}

interface Circuit {
  failures: number
  openUntilMs: number
}

/** @returns one breaker per model; times are milliseconds of one monotonic clock */
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

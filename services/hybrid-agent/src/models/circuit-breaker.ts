/** Skips a model for a while after several consecutive failures. */

/** Consecutive failures that open the circuit. */
const FAILURES_MAX = 3
const OPEN_MS = 30_000

export interface CircuitBreaker {
  /** Whether it is skipped now; unlike `mayAsk`, this lets nobody try. */
  isOpen(model: string, nowMs: number): boolean
  /** Whether the model may be asked now. After the pause one caller may try; the others wait for its result. */
  mayAsk(model: string, nowMs: number): boolean
  succeeded(model: string): void
  /** @param pauseMs how long the provider wants not to be asked; opens the circuit at once */
  failed(model: string, nowMs: number, pauseMs?: number): void
}

interface Circuit {
  failures: number
  openUntilMs: number
}

/** @returns one breaker per model; times are milliseconds of one monotonic clock */
export function circuitBreaker(): CircuitBreaker {
  const circuits = new Map<string, Circuit>()
  return {
    isOpen(model, nowMs) {
      const circuit = circuits.get(model)
      return circuit !== undefined && circuit.failures >= FAILURES_MAX && nowMs < circuit.openUntilMs
    },
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
    failed(model, nowMs, pauseMs) {
      const failures = (circuits.get(model)?.failures ?? 0) + 1
      circuits.set(model, {
        failures: pauseMs === undefined ? failures : Math.max(failures, FAILURES_MAX),
        openUntilMs: nowMs + (pauseMs ?? OPEN_MS),
      })
    },
  }
}

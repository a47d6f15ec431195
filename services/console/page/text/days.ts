/** Days as the mesh counts them: of UTC. */

const DAY_MS = 86_400_000

/** The last days up to today, oldest first: "2026-01-31". @param now milliseconds since 1970 */
export const lastDays = (days: number, now: number): string[] =>
  Array.from({ length: days }, (_, index) => new Date(now - (days - 1 - index) * DAY_MS).toISOString().slice(0, 10))

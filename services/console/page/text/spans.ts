/** Spans of time as people type them: `30s`, `5m`, `2h`, `7d`. */

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** @returns milliseconds; undefined if the text is no span */
export function spanMs(text: string): number | undefined {
  const [, amount, unit = ''] = text.trim().match(/^([1-9]\d{0,5})\s*([smhd])$/) ?? []
  return amount === undefined ? undefined : Number(amount) * (UNIT_MS[unit] ?? 0)
}

/** @throws {Error} that says what to type instead */
export function requiredSpanMs(text: string, title: string): number {
  const ms = spanMs(text)
  if (ms === undefined) throw new Error(`${title}: type a number and a unit, as in 30s, 5m, 2h or 7d.`)
  return ms
}

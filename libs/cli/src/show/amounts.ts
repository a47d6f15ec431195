/** Times and money, short enough for a column. */

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`
  return `${Math.floor(ms / 3_600_000)} h ${Math.round((ms % 3_600_000) / 60_000)} min`
}

/** How long ago, in its largest unit. */
export function age(iso: string, now: number): string {
  const ms = Math.max(0, now - Date.parse(iso))
  const [amount, unit] =
    ms < 60_000
      ? [ms / 1_000, 's']
      : ms < 3_600_000
        ? [ms / 60_000, 'min']
        : ms < 86_400_000
          ? [ms / 3_600_000, 'h']
          : [ms / 86_400_000, 'd']
  return `${Math.floor(amount)} ${unit}`
}

export const dollars = (usd: number): string => `$${usd === 0 ? '0' : usd < 0.01 ? usd.toFixed(6) : usd.toFixed(2)}`

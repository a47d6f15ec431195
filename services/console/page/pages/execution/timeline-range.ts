/** The range of a timeline, as it is typed and as it is in the address: seconds after the beginning. */
import type { QueryType } from '../../app/router.ts'
import type { Period } from './time-axis.ts'

/** Seconds, with milliseconds where they matter: "12.5". */
export const seconds: QueryType<number> = (text) => (/^\d{1,9}(\.\d{1,3})?$/.test(text) ? Number(text) : undefined)

export const secondsText = (start: number, at: number): string => String(Math.max(0, Math.round(at - start)) / 1_000)

/** @returns the whole where the range is empty or outside */
export function chosenRange(whole: Period, from: number | undefined, to: number | undefined): Period {
  const chosen = {
    from: from === undefined ? whole.from : Math.max(whole.from, whole.from + from * 1_000),
    to: to === undefined ? whole.to : Math.min(whole.to, whole.from + to * 1_000),
  }
  return chosen.to > chosen.from ? chosen : whole
}

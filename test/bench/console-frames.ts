/// <reference lib="dom" />
/** What runs inside the page that is measured: functions without anything from outside. */

interface Frames {
  /** From the begin of a frame to the begin of the next one. */
  readonly longest_frame_ms: number
  readonly p99_frame_ms: number
  readonly frames_over_100_ms: number
  readonly frames: number
}

declare global {
  interface Window {
    frames_: { begin(): void; end(): Frames }
  }
}

/** Counts the frames from the first one of a document on. */
export function recordFrames(): void {
  let gaps: number[] = []
  let last = performance.now()
  const step = (now: number): void => {
    gaps.push(now - last)
    last = now
    requestAnimationFrame(step)
  }
  requestAnimationFrame(step)
  window.frames_ = {
    begin() {
      gaps = []
    },
    end() {
      const sorted = gaps.toSorted((a, b) => a - b)
      const at = (part: number): number => Math.round((sorted[Math.ceil(sorted.length * part) - 1] ?? 0) * 10) / 10
      return {
        ...{ longest_frame_ms: at(1), p99_frame_ms: at(0.99) },
        ...{ frames_over_100_ms: gaps.filter((gap) => gap > 100).length, frames: gaps.length },
      }
    },
  }
}

/** @returns when the page was connected and had loaded what it shows, in milliseconds from the begin of its navigation */
export function openedAt(): Promise<number> {
  return new Promise((resolve) => {
    const check = (): void => {
      const usable =
        document.querySelector('.connection.live') &&
        document.querySelector('main h1') &&
        document.querySelector('main [aria-busy="true"]') === null
      if (usable) resolve(performance.now())
      else requestAnimationFrame(check)
    }
    check()
  })
}

/** @returns the time if a row of the list has both texts, in milliseconds since 1970 */
export function shownAt([name, status]: readonly [string, string]): number | undefined {
  const rows = [...document.querySelectorAll('.table-box tbody tr')]
  return rows.some(({ textContent: text }) => text?.includes(name) && text.includes(status)) ? Date.now() : undefined
}

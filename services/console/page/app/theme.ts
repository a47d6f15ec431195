/** Light or dark: as the system says, or as the person chose; and the zone of the times. Both are kept in this browser. */
import { effect, signal } from '@preact/signals'

export type Theme = 'system' | 'light' | 'dark'

export const theme = signal<Theme>(
  stored('deed-theme') === 'dark' ? 'dark' : stored('deed-theme') === 'light' ? 'light' : 'system',
)
/** Times in UTC, and not in the zone of the browser. */
export const utc = signal(stored('deed-utc') === 'true')

export function startTheme(): void {
  effect(() => {
    if (theme.value === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme.value
    store('deed-theme', theme.value)
  })
  effect(() => store('deed-utc', String(utc.value)))
}

export function nextTheme(): void {
  const order: Theme[] = ['system', 'light', 'dark']
  theme.value = order[(order.indexOf(theme.value) + 1) % order.length] ?? 'system'
}

// A browser may forbid storage: the choice then lasts as long as the tab.
function stored(name: string): string | null {
  try {
    return globalThis.localStorage?.getItem(name) ?? null
  } catch {
    return null
  }
}

function store(name: string, value: string): void {
  try {
    localStorage.setItem(name, value)
  } catch {}
}

/** The keyboard: every page registers its keys, and `?` lists those that work now. */
import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { findBinding, type KeyBinding } from './key-bindings.ts'

/** The second key of two must follow within this time. */
const PAIR_MS = 1_500

/** The groups of keys that work now; the last one goes first. */
export const keyGroups = signal<readonly { title: string; bindings: readonly KeyBinding[] }[]>([])

/** Keys while the component is on the page. @param title the heading of the group in the list of keys */
export function useKeys(title: string, bindings: readonly KeyBinding[]): void {
  // The group is registered once, and runs the functions of the last render.
  const latest = useRef(bindings)
  latest.current = bindings
  const names = bindings.map(({ key, does }) => `${key}\n${does}`).join('\n')
  // The names stand for the bindings
  useEffect(() => {
    const group = {
      title,
      bindings: bindings.map((binding, index) =>
        binding.run ? { ...binding, run: () => latest.current[index]?.run?.() } : binding,
      ),
    }
    keyGroups.value = [...keyGroups.value, group]
    return () => {
      keyGroups.value = keyGroups.value.filter((one) => one !== group)
    }
  }, [title, names])
}

export function startKeys(): void {
  let pending: string | undefined
  let pressedAt = 0
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    // A dialog has its own keys, of the browser: Escape, Tab and Enter.
    if (document.querySelector('dialog[open]')) return
    const press = { key: event.key, typing: isTyping(event.target) }
    const waited = event.timeStamp - pressedAt < PAIR_MS ? pending : undefined
    const bindings = keyGroups.value.flatMap((group) => group.bindings)
    const found = findBinding(bindings, press, waited)
    pending = found.pending
    pressedAt = event.timeStamp
    if (!found.binding) return
    event.preventDefault()
    found.binding.run?.()
  })
}

export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target instanceof HTMLTextAreaElement ||
      target instanceof HTMLSelectElement ||
      (target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'submit'].includes(target.type)))
  )
}

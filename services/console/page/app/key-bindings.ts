/** Which key does what: pure, so that it is tried without a browser. */

export interface KeyBinding {
  /** As `KeyboardEvent.key` names it; two after each other with a space: `g e`. */
  readonly key: string
  /** What it does, for the list of keys: "next row". */
  readonly does: string
  /** Absent: what has the focus does it, and the list says so. */
  readonly run?: () => void
  /** Also while a field is being typed in. */
  readonly whileTyping?: boolean
}

export interface KeyPress {
  readonly key: string
  readonly typing: boolean
}

/**
 * @param pending the first key of two, if it was pressed just before
 * @returns the binding that applies, or the key that waits for its second one. Later bindings go before earlier ones.
 */
export function findBinding(
  bindings: readonly KeyBinding[],
  { key, typing }: KeyPress,
  pending?: string,
): { binding?: KeyBinding; pending?: string } {
  const wanted = pending === undefined ? key : `${pending} ${key}`
  const usable = bindings.filter(({ run, whileTyping }) => run && (!typing || whileTyping))
  const binding = usable.findLast((one) => one.key === wanted)
  if (binding) return { binding }
  if (pending !== undefined) return findBinding(bindings, { key, typing })
  return usable.some((one) => one.key.startsWith(`${key} `)) ? { pending: key } : {}
}

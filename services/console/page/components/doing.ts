/** What a button does: once at a time, and what came of it is said. */
import { useRef, useState } from 'preact/hooks'
import { toast } from './toast.tsx'

export interface Doing {
  /** Why a button that does something is disabled: undefined if nothing is being done. */
  readonly busy: string | undefined
  /**
   * @param said what to say when it is done
   * @returns whether it was done; a refusal is said
   */
  readonly run: <T>(act: () => Promise<T>, said: (answer: T) => string) => Promise<boolean>
}

export function useDoing(): Doing {
  const [busy, setBusy] = useState(false)
  const running = useRef(false)
  const run: Doing['run'] = async (act, said) => {
    if (running.current) return false
    running.current = true
    setBusy(true)
    try {
      toast(said(await act()))
      return true
    } catch (cause) {
      toast(cause instanceof Error ? cause.message : String(cause), { bad: true })
      return false
    } finally {
      running.current = false
      setBusy(false)
    }
  }
  return { busy: busy ? 'It is being done.' : undefined, run }
}

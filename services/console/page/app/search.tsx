/** `/` and a pasted id: to the very thing, or to the executions with these words. */
import { useEffect, useState } from 'preact/hooks'
import { Dialog } from '../components/dialog.tsx'
import { Line } from '../components/text.tsx'
import { toast } from '../components/toast.tsx'
import { call } from './call.ts'
import { isTyping } from './keys.ts'
import { go, UUID, urlOf } from './router.ts'

/** Where each kind of id is shown. */
const PLACES = [
  ['execution', (id: string) => `/executions/${id}`],
  ['approval', (id: string) => `/inbox/${id}`],
  ['task', (id: string) => urlOf('/tasks', { task: id })],
  ['grant', (id: string) => urlOf('/grants', { grant: id })],
] as const

/** A whole id, or the 4 to 12 digits that it ends with. @returns its end, for `id.find` */
export function idEnding(text: string): string | undefined {
  const trimmed = text.trim().toLowerCase()
  if (UUID.test(trimmed)) return trimmed.slice(-12)
  // Words of digits and letters a to f are words, unless a digit is among them.
  return /^(?=.*\d)[0-9a-f]{4,12}$/.test(trimmed) ? trimmed : undefined
}

/** The addresses of what has this id. */
async function placesOf(text: string): Promise<{ of: string; id: string; url: string }[]> {
  const ending = idEnding(text)
  if (ending === undefined) return []
  const whole = UUID.test(text.trim()) ? text.trim().toLowerCase() : undefined
  const found = await Promise.all(
    PLACES.map(async ([of, url]) => {
      const { ids } = await call('id.find', { ending, of: [of] })
      return ids.filter((id) => whole === undefined || id === whole).map((id) => ({ of, id, url: url(id) }))
    }),
  )
  const places = found.flat()
  return places.length > 0 || whole === undefined ? places : decisionOf(whole)
}

/** Decisions of the organization are found by their whole ids. */
const decisionOf = (id: string): Promise<{ of: string; id: string; url: string }[]> =>
  call('organization.get-decision', { decision_id: id }).then(
    () => [{ of: 'decision', id, url: urlOf('/organization', { status: 'all', decision: id }) }],
    () => [],
  )

/** Goes to what has this id. @returns whether there is such a thing */
async function openId(text: string): Promise<boolean> {
  const [found] = await placesOf(text)
  if (found) go(found.url)
  return found !== undefined
}

/** A whole id that is pasted anywhere but into a field opens what has it. */
export function useIdPaste(): void {
  useEffect(() => {
    const onPaste = (event: ClipboardEvent): void => {
      const text = event.clipboardData?.getData('text/plain').trim() ?? ''
      if (isTyping(event.target) || !UUID.test(text)) return
      openId(text).then(
        (found) => found || toast(`Nothing of this tenant has the id ${text}`),
        (error: Error) => toast(error.message, { bad: true }),
      )
    }
    document.addEventListener('paste', onPaste)
    return () => document.removeEventListener('paste', onPaste)
  }, [])
}

export function Search({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('')
  const [found, setFound] = useState<{ of: string; id: string; url: string }[]>([])
  const open = (url: string): void => {
    onClose()
    go(url)
  }
  useEffect(() => {
    let current = true
    setFound([])
    placesOf(text).then(
      (places) => current && setFound(places),
      () => undefined,
    )
    return () => {
      current = false
    }
  }, [text])
  const byWords = text.trim() === '' ? undefined : urlOf('/executions', { text: text.trim() })
  return (
    <Dialog title="Search" onClose={onClose}>
      <form
        method="dialog"
        class="search"
        onSubmit={(event) => {
          event.preventDefault()
          const url = found[0]?.url ?? byWords
          if (url) open(url)
        }}
      >
        <label>
          <span>Words of an execution, an id, or the last digits of one</span>
          <input
            type="search"
            value={text}
            autocomplete="off"
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <ul class="results">
          {found.map(({ of, id, url }) => (
            <li key={id}>
              <a href={url} onClick={onClose}>
                {of} <code>{id}</code>
              </a>
            </li>
          ))}
          {byWords && (
            <li>
              <a href={byWords} onClick={onClose}>
                executions with “<Line text={text} max={80} />”
              </a>
            </li>
          )}
        </ul>
        <p class="quiet">Enter opens the first.</p>
      </form>
    </Dialog>
  )
}

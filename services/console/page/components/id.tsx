/** An id: short to read, whole to copy. */
import { shortId } from '../text/inert-text.ts'
import { toast } from './toast.tsx'

/** @param whole shows all of it @param href makes it a link */
export function Id({ id, whole = false, href }: { id: string; whole?: boolean; href?: string | undefined }) {
  const shown = <code title={id}>{whole ? id : shortId(id)}</code>
  return (
    <span class="id">
      {href ? <a href={href}>{shown}</a> : shown}
      <CopyButton text={id} label={`copy the id ${id}`} />
    </span>
  )
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  return (
    <button type="button" class="icon" aria-label={label} title={label} onClick={() => void copy(text)}>
      <svg class="glyph" viewBox="0 0 16 16" aria-hidden="true">
        <path d="M5.5 5.5v-3h8v8h-3m-8-5h8v8h-8z" />
      </svg>
    </button>
  )
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    toast(`Copied ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`)
  } catch {
    toast(`The browser does not let the page copy. Select it by hand: ${text}`)
  }
}

/** The command line that does the same as this page. @param command without the program: `show 01…` */
export function CommandLine({ command }: { command: string }) {
  return (
    <p class="command">
      <code>deed {command}</code>
      <CopyButton text={`deed ${command}`} label="copy the command" />
    </p>
  )
}

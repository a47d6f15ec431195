/** A diff: folded or not at first, then its beginning, then more of it on request, so that none of any length blocks the page. */
import { useMemo, useState } from 'preact/hooks'
import { readDiff } from '../text/diff-lines.ts'
import { inertText } from '../text/inert-text.ts'
import { count, counted } from '../text/times.ts'

const LINES_FIRST = 200
const LINES_MORE = 2_000
const LINE_CHARS_MAX = 400

export function DiffView({ text, title, open = false }: { text: string; title: string; open?: boolean }) {
  const [shown, setShown] = useState(open ? LINES_FIRST : 0)
  const { lines, added, removed } = useMemo(() => readDiff(text), [text])
  const left = lines.length - shown
  return (
    <section class="diff" aria-label={title}>
      <header>
        <h3>{title}</h3>
        <span class="text-good">+{count(added)}</span>
        <span class="text-bad">−{count(removed)}</span>
        <button
          type="button"
          class="link"
          aria-expanded={shown > 0}
          onClick={() => setShown(shown > 0 ? 0 : LINES_FIRST)}
        >
          {shown > 0 ? 'fold' : `show ${counted(lines.length, 'line')}`}
        </button>
      </header>
      {shown > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard
        <pre tabIndex={0}>
          {lines.slice(0, shown).map(({ kind, text: line }, index) => (
            <span key={index} class={`diff-line ${kind}`}>
              {inertText(line, LINE_CHARS_MAX, {}).text}
              {line.length > LINE_CHARS_MAX && '…'}
              {'\n'}
            </span>
          ))}
        </pre>
      )}
      {shown > 0 && left > 0 && (
        <p class="quiet">
          {counted(left, 'line')} more{' '}
          <button type="button" class="link" onClick={() => setShown(shown + LINES_MORE)}>
            show {left > LINES_MORE ? `the next ${count(LINES_MORE)}` : 'all'}
          </button>
        </p>
      )}
    </section>
  )
}

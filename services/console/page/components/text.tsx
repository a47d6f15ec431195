/** Text of the world: never HTML, its hidden characters visible, and cut until somebody asks for all. */
import { useState } from 'preact/hooks'
import { inertText } from '../text/inert-text.ts'
import { count } from '../text/times.ts'

const LINE_CHARS_MAX = 300
const BLOCK_CHARS_MAX = 4_000

/** One line, with what is cut named after it. @param max characters */
export function Line({ text, max = LINE_CHARS_MAX }: { text: string; max?: number }) {
  const shown = inertText(text, max, { oneLine: true })
  return (
    <bdi>
      {shown.text}
      {shown.omitted > 0 && '…'}
    </bdi>
  )
}

/** Several lines; the rest by a button. @param max characters */
export function Text({ text, max = BLOCK_CHARS_MAX }: { text: string; max?: number }) {
  const [all, setAll] = useState(false)
  const shown = inertText(text, all ? Number.POSITIVE_INFINITY : max)
  return (
    <div class="text">
      <pre>
        <bdi>{shown.text}</bdi>
      </pre>
      {shown.omitted > 0 && (
        <p class="quiet">
          {count(shown.omitted)} characters more{' '}
          {all ? (
            'are too many for the page.'
          ) : (
            <button type="button" class="link" onClick={() => setAll(true)}>
              show all
            </button>
          )}
        </p>
      )}
    </div>
  )
}

/** A status: a sign and a word, so that its colour is never alone. */

import { statusWords } from '../text/status-words.ts'
import { Sign } from './sign.tsx'

export function Status({ status, note }: { status: string; note?: string | undefined }) {
  const { word, sign, meaning } = statusWords(status)
  return (
    <span class={`status ${meaning}`}>
      <Sign of={sign} />
      {word}
      {note && <span class="quiet"> {note}</span>}
    </span>
  )
}

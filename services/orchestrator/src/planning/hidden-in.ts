/** Finds what an approver would not see in an action, or would misread. */

import type { SealedStep } from '@deed/proto/approval'
import type { Json, JsonObject } from '@deed/proto/json'
import { base64Texts } from '@deed/text/base64-texts'
import { exposedText } from '@deed/text/exposed-text'

const FOUND_MAX = 20
const SHOWN_CHARS_MAX = 1_000

/**
 * @returns texts that display differently from their characters, escaped, and decoded base64; only the first of them
 */
export function hiddenIn(action: JsonObject): SealedStep['hidden'] {
  const found: SealedStep['hidden'] = []
  const visit = (value: Json, path: string): void => {
    if (found.length >= FOUND_MAX) return
    if (typeof value === 'string') {
      const shown = exposedText(value)
      const readings = [...(shown === value ? [] : [shown]), ...base64Texts(value).map(exposedText)]
      found.push(...readings.map((text) => ({ path, shown: text.slice(0, SHOWN_CHARS_MAX).toWellFormed() })))
    } else if (Array.isArray(value)) {
      for (const [index, one] of value.entries()) visit(one, `${path}[${index}]`)
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, one] of Object.entries(value)) {
        visit(name, `${path}.${exposedText(name)}`)
        visit(one, `${path}.${exposedText(name)}`)
      }
    }
  }
  visit(action, '$')
  return found.slice(0, FOUND_MAX)
}

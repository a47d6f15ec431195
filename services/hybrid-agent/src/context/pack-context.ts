/** Chooses what a model's prompt gets besides the task, where not everything fits: the most value for each token. */

export type ContextSource = 'workspace_facts' | 'similar_code' | 'earlier_attempts' | 'memories'

export interface ContextItem {
  readonly source: ContextSource
  /** What it is of: `src/total.ts:10`, the key of a note. */
  readonly of: string
  readonly text: string
  /** How likely it is to help, from 0 to 1. */
  readonly value: number
}

export interface PackedItem extends ContextItem {
  /** An estimate, with what is around its text. */
  readonly tokens: number
  /** Only its beginning is there. */
  readonly cut?: true
}

export interface PackedContext {
  /** Most valuable first. */
  readonly items: readonly PackedItem[]
  /** How many did not fit. */
  readonly leftOut: number
}

/** Source code has about three characters to a token, prose four. */
const CHARS_PER_TOKEN = 3
/** Of the name of an item and its quotes. */
const TOKENS_AROUND = 12
/** A shorter beginning says nothing. */
const CUT_TOKENS_MIN = 60

/** No tokenizer is asked: another model has another one. */
export const tokensOf = (text: string): number => Math.ceil(text.length / CHARS_PER_TOKEN)

/**
 * Equal texts are packed once. The first item that does not fit is cut at the end of a line, if enough is left for it.
 *
 * @param tokensMax of all items together
 */
export function packContext(items: readonly ContextItem[], tokensMax: number): PackedContext {
  const sized = unique(items).map((item) => ({ ...item, tokens: tokensOf(item.text + item.of) + TOKENS_AROUND }))
  const packed: PackedItem[] = []
  let left = tokensMax
  for (const item of sized.toSorted((a, b) => b.value / b.tokens - a.value / a.tokens)) {
    const fitting = item.tokens <= left ? item : packed.some(({ cut }) => cut) ? undefined : cutTo(item, left)
    if (!fitting) continue
    packed.push(fitting)
    left -= fitting.tokens
  }
  packed.sort((a, b) => b.value - a.value)
  return { items: packed, leftOut: items.length - packed.length }
}

function unique(items: readonly ContextItem[]): ContextItem[] {
  const byText = new Map<string, ContextItem>()
  for (const item of items) if ((byText.get(item.text)?.value ?? -1) < item.value) byText.set(item.text, item)
  return [...byText.values()].filter(({ text }) => text.trim() !== '')
}

function cutTo(item: PackedItem, tokens: number): PackedItem | undefined {
  if (tokens < CUT_TOKENS_MIN) return undefined
  const room = (tokens - TOKENS_AROUND) * CHARS_PER_TOKEN - item.of.length
  const end = item.text.lastIndexOf('\n', room)
  return end <= 0 ? undefined : { ...item, text: item.text.slice(0, end), tokens, cut: true }
}

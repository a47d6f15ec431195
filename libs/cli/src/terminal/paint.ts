/** Colour, where somebody looks and wants it. */
import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'
export type Paint = (style: Style, text: string) => string

export const unpainted: Paint = (_, text) => text
const painted: Paint = (style, text) => styleText(style, text, { validateStream: false })

/**
 * On a terminal, unless NO_COLOR is set (https://no-color.org) or TERM is `dumb`. FORCE_COLOR, as Node reads it, comes
 * before both: 0 or `false` is never, anything else is always.
 */
export function isPainted(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: unwanted, TERM: terminal } = env
  if (forced) return forced !== '0' && forced !== 'false'
  return stream.isTTY === true && !unwanted && terminal !== 'dumb'
}

export const paintFor = (stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): Paint =>
  isPainted(stream, env) ? painted : unpainted

const GOOD = new Set(['done', 'verified', 'approved', 'used', 'ok', 'active', 'holds', 'can', 'undone'])
const BAD = new Set(['failed', 'denied', 'rollback_failed', 'blocked', 'expired', 'wrong', 'drifted', 'cannot'])

/** A status in its colour: green for what is as it should be, red for what is not, yellow for what is not over. */
export function paintStatus(paint: Paint, status: string, width = 0): string {
  const style = GOOD.has(status) ? 'green' : BAD.has(status) ? 'red' : 'yellow'
  return paint(style, status.padEnd(width))
}

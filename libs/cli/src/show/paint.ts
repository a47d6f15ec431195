/** Colour, where somebody looks and wants it. */
import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'
export type Paint = (style: Style, text: string) => string

export const unpainted: Paint = (_, text) => text
const painted: Paint = (style, text) => styleText(style, text, { validateStream: false })

/** As https://no-color.org has it: NO_COLOR counts when it is not empty. */
export function paintFor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): Paint {
  return stream.isTTY && !env.NO_COLOR && env.TERM !== 'dumb' ? painted : unpainted
}

const GOOD = new Set(['done', 'verified', 'approved', 'consumed', 'ok'])
const BAD = new Set(['failed', 'denied', 'rollback_failed', 'blocked', 'expired', 'wrong'])

/** A status in its colour. */
export function paintStatus(paint: Paint, status: string, width = 0): string {
  const style = GOOD.has(status) ? 'green' : BAD.has(status) ? 'red' : 'yellow'
  return paint(style, status.padEnd(width))
}

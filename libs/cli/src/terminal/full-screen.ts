/** A whole terminal for one command: drawn over and over, and given back as it was. */
import { painted } from './plain-text.ts'

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const REST_OF_LINE = '\u001b[K'
const REST_OF_SCREEN = '\u001b[J'
const LEAVING_KEYS = ['q', 'Q', '\u0003']

export interface FullScreen extends Disposable {
  readonly width: number
  readonly height: number
  /** Aborted by `q`, Ctrl+C or a signal to end. */
  readonly left: AbortSignal
  /** As many lines as fit; none may be wider than the screen. */
  draw(lines: readonly string[]): void
}

/** @param resized called when it has another size, to be drawn again */
export function openFullScreen(resized: () => void): FullScreen {
  const { stdin, stdout } = process
  const left = new AbortController()
  const leave = (): void => left.abort()
  const onKeys = (keys: Buffer): void => {
    if (LEAVING_KEYS.some((key) => keys.includes(key))) leave()
  }
  const restore = (): void => void stdout.write(LEAVE)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, leave)
  // Whatever else ends the process.
  process.on('exit', restore)
  stdout.on('resize', resized)
  if (stdin.isTTY) stdin.setRawMode(true).on('data', onKeys)
  stdout.write(ENTER)
  return {
    get width() {
      return stdout.columns
    },
    get height() {
      return stdout.rows
    },
    left: left.signal,
    draw(lines) {
      const shown = lines.slice(0, stdout.rows).map((line) => `${painted(line)}${REST_OF_LINE}`)
      stdout.write(`${HOME}${shown.join('\r\n')}${REST_OF_SCREEN}`)
    },
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, leave)
      process.off('exit', restore)
      stdout.off('resize', resized)
      restore()
      if (stdin.isTTY) stdin.setRawMode(false).off('data', onKeys).pause()
    },
  }
}

/** Where a command writes: its result on standard output, what happens meanwhile on standard error. */
import { createInterface } from 'node:readline/promises'
import { duration } from './amounts.ts'
import { isPainted, type Paint, paintFor, unpainted } from './paint.ts'
import { jsonLine, painted, plainText } from './plain-text.ts'
import { widthOf } from './terminal.ts'

const WIDTH = 80
/** Between two times that a terminal shows how long something takes. */
const TICK_MS = 1_000

export interface Output {
  readonly json: boolean
  /** Somebody sits at a terminal and can be asked. */
  readonly interactive: boolean
  readonly paint: Paint
  /** Characters a line; infinite where no terminal shows it. */
  readonly width: number
  /** Part of the result; not with --json. */
  print(text: string): void
  /** The result as one line of JSON; only with --json. */
  document(value: unknown): void
  /** About the work, not of its result; not with --json. */
  note(text: string): void
  /** How far it is: one line that is written over on a terminal, else a line each time it changes. */
  progress(text: string): void
  /**
   * Work that may take long: after a second a terminal shows how long it has taken, and how far it is.
   *
   * @param text shown as long as nothing says how far it is
   */
  busy(text: string): Disposable
  /**
   * @param unanswered said when Ctrl+C ends the command instead of an answer
   * @returns `undefined` where nobody can be asked, or `signal` came first
   */
  ask(question: string, signal: AbortSignal, unanswered?: string): Promise<string | undefined>
}

export function openOutput(json: boolean, env: NodeJS.ProcessEnv): Output {
  const { stdin, stdout, stderr } = process
  const interactive = !json && stdin.isTTY === true && stderr.isTTY === true
  const live = stderr.isTTY === true && env.TERM !== 'dumb'
  let shown = ''
  let far = ''
  let asking = false
  const clear = (): void => {
    if (live && shown !== '') stderr.write('\r\u001b[K')
    shown = ''
  }
  const overwrite = (text: string): void => {
    clear()
    stderr.write(text.slice(0, (stderr.columns || WIDTH) - 1))
    shown = text
  }
  return {
    json,
    interactive,
    paint: json ? unpainted : paintFor(stdout, env),
    width: widthOf(stdout, env),
    print(text) {
      if (json) return
      clear()
      stdout.write(`${painted(text)}\n`)
    },
    document(value) {
      if (!json) return
      stdout.write(`${jsonLine(value)}\n`)
    },
    note(text) {
      if (json) return
      clear()
      // Painted for standard output, which may be a terminal when this is none.
      stderr.write(`${isPainted(stderr, env) ? painted(text) : plainText(text)}\n`)
    },
    progress(given) {
      const text = plainText(given)
      if (json || text === far) return
      far = text
      if (live) overwrite(text)
      else stderr.write(`${text}\n`)
    },
    busy(text) {
      const begun = performance.now()
      const timer =
        live && !json
          ? setInterval(() => {
              if (!asking) overwrite(`${far || plainText(text)}  ${duration(performance.now() - begun)}`)
            }, TICK_MS).unref()
          : undefined
      return {
        [Symbol.dispose]() {
          clearInterval(timer)
          clear()
        },
      }
    },
    async ask(question, signal, unanswered) {
      if (!interactive) return undefined
      clear()
      asking = true
      const lines = createInterface({ input: stdin, output: stderr })
      // Ctrl+C ends the command here as it does elsewhere.
      lines.once('SIGINT', () => {
        lines.close()
        if (unanswered !== undefined) stderr.write(`\n${unanswered}\n`)
        process.kill(process.pid, 'SIGINT')
      })
      try {
        return await lines.question(question, { signal })
      } catch {
        stderr.write('\n')
        return undefined
      } finally {
        asking = false
        lines.close()
      }
    },
  }
}

/**
 * Ends the process when nobody reads what it writes any longer, with success: a reader such as `head` that has seen
 * enough is no failure.
 */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit()
    })
  }
}

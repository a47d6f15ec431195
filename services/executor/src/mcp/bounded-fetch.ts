/** Requests to a server that the configuration names: no redirect leaves it, and no answer is endless. */
import type { FetchLike } from '@modelcontextprotocol/client'
import { tooLarge } from './box-transport.ts'

const ANSWER_BYTES_MAX = 16 * 1024 * 1024

/** @param onTooLarge is told why the answer ended before its end */
export function boundedFetch(headers: Readonly<Record<string, string>>, onTooLarge: (why: Error) => void): FetchLike {
  return async (url, init) => {
    const all = new Headers(init?.headers)
    for (const [name, value] of Object.entries(headers)) all.set(name, value)
    const answer = await fetch(url, { ...init, headers: all, redirect: 'error' })
    let bytes = 0
    const counted = answer.body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          bytes += chunk.length
          if (bytes <= ANSWER_BYTES_MAX) return controller.enqueue(chunk)
          const why = tooLarge(ANSWER_BYTES_MAX)
          onTooLarge(why)
          controller.error(why)
        },
      }),
    )
    const { status, statusText } = answer
    return new Response(counted ?? null, { status, statusText, headers: answer.headers })
  }
}

/**
 * Finds readable text that is encoded as base64 inside another text, where a person sees letters and a program, or a
 * model, words.
 */

/** Shorter runs are usually words. */
const RUN = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{12,}={0,2}/g
// Other text that resembles base64 decodes to invalid UTF-8, or to many of these. A few may be there to deceive.
const UNREADABLE = /[^\P{Cc}\t\r\n]|[\p{Cn}\p{Co}]/gu
const UNREADABLE_SHARE_MAX = 0.2
const TEXTS_MAX = 20

/** @returns the decoded runs in order, limited to the first of them */
export const base64Texts = (text: string): string[] =>
  (text.match(RUN) ?? []).flatMap((run) => readingOf(run) ?? []).slice(0, TEXTS_MAX)

/** The same text with each such run replaced by `instead`. */
export const withoutBase64 = (text: string, instead: string): string =>
  text.replace(RUN, (run) => (readingOf(run) === undefined ? run : instead))

function readingOf(run: string): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(run, 'base64'))
    return (text.match(UNREADABLE)?.length ?? 0) > text.length * UNREADABLE_SHARE_MAX ? undefined : text
  } catch {
    return undefined
  }
}

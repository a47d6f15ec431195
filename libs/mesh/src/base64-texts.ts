/** Readable text that stands in another text as base64, where a person sees letters and a program, or a model, words. */

/** Shorter runs are words far more often than they are base64. */
const RUN = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{12,}={0,2}/g
// What else looks like base64 comes to bytes that are no UTF-8, or to many of these. A few may be there to deceive.
const UNREADABLE = /[^\P{Cc}\t\r\n]|[\p{Cn}\p{Co}]/gu
const UNREADABLE_SHARE_MAX = 0.2
const TEXTS_MAX = 20

/** @returns what each run says, in their order, for the first of them */
export const base64Texts = (text: string): string[] =>
  (text.match(RUN) ?? []).flatMap((run) => readingOf(run) ?? []).slice(0, TEXTS_MAX)

/** The same text with `instead` in the place of each such run. */
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

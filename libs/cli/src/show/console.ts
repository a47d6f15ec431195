/** Where the console is, for a person at a terminal. */
import { deedCommand } from '../terminal/deed-command.ts'
import type { Output } from '../terminal/output.ts'

/** The address without the token, which must not get into a file. */
export const consoleAddress = (link: string): string => new URL(link).origin

/** @param link one that signs in once; it is shown to a terminal only, since a log may have other readers */
export function consoleText(link: string, { width }: Pick<Output, 'width'>): string {
  if (!Number.isFinite(width))
    return `console at ${consoleAddress(link)}; \`${deedCommand('console --print')}\` signs you in`
  return `console, once and within minutes: ${link}`
}

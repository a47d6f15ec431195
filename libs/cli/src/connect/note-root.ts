/** Tells a user who starts a mesh as root what is better. */
import type { Output } from '../terminal/output.ts'

export function noteRoot({ note }: Pick<Output, 'note'>): void {
  if (process.getuid?.() === 0)
    note(
      'Deed runs as root: an ordinary user is better, since what Deed itself does is then bounded by that user as well',
    )
}

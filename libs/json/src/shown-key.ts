/** A key may be as long as a message; an error message must fit in one. */

const KEY_CHARS_SHOWN = 64

export const shownKey = (key: string): string =>
  key.length <= KEY_CHARS_SHOWN ? key : `${key.slice(0, KEY_CHARS_SHOWN)}...`.toWellFormed()

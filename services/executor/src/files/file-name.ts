/**
 * Names of files as text. Linux keeps names as bytes; those that are no UTF-8 are carried as text that stands for the
 * bytes, one to one, so that what is read, stored and compared names every file there is.
 */
import { isUtf8 } from 'node:buffer'

/** Stand for the bytes 0x80 to 0xff. Of private use: a name that really has one is carried byte by byte as well. */
const STAND_INS = /[\uf780-\uf7ff]/
const STAND_IN_BASE = 0xf700

export function nameOfBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) {
    const name = bytes.toString()
    if (isText(name)) return name
  }
  return Array.from(bytes, (byte) => String.fromCharCode(byte < 0x80 ? byte : STAND_IN_BASE + byte)).join('')
}

export const bytesOfName = (name: string): Buffer =>
  isText(name) ? Buffer.from(name) : Buffer.from(Array.from(name, (character) => character.charCodeAt(0) & 0xff))

/** Whether the name's bytes are its UTF-8. */
export const isText = (name: string): boolean => !STAND_INS.test(name)

/** For people: a byte that is no text as `\xe9`. */
export const shownName = (path: string): string =>
  path.replace(/[\uf780-\uf7ff]/g, (character) => `\\x${(character.charCodeAt(0) & 0xff).toString(16)}`)

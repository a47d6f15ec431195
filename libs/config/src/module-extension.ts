/** `.ts` in a checkout, which Node runs as it is; `.js` in a package, where it would not. */
import { extname } from 'node:path'

/** Of the file of a program or a thread that is named, and not imported. */
export const MODULE_EXTENSION = extname(import.meta.filename)

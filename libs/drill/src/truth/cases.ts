/** All cases of the truth drill. */
import { commands } from './cases/commands.ts'
import { files } from './cases/files.ts'

const TABLES = [files, commands]

export const LIES = TABLES.flatMap(({ lies }) => lies)
export const ORDINARY = TABLES.flatMap(({ ordinary }) => ordinary)

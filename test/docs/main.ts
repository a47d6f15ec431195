/** Writes the pages of docs/ that are made from the code: `npm run docs`. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { GENERATED } from './generated.ts'

for (const [file, page] of Object.entries(GENERATED)) {
  writeFileSync(resolve(import.meta.dirname, '../..', file), page())
}

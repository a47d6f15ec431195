/** Writes the pages of docs/ and the files of deploy/ that are made from the code: `npm run docs`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { GENERATED } from './generated.ts'

for (const [file, page] of Object.entries(GENERATED)) {
  const path = resolve(import.meta.dirname, '../..', file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, page())
}

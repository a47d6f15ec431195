/** What is at a path, in the words of `Action.expect_before`. */
import { sha256 } from '@deed/json/canonical-json'
import type { FileContent } from './regular-file.ts'

/** @param file absent: there is none */
export const fileState = (file: Pick<FileContent, 'bytes'> | undefined): string =>
  file ? `sha256:${sha256(file.bytes)}` : 'absent'

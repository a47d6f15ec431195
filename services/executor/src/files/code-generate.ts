/** code.generate: as file.write, and the language's own grammar must accept the whole file. */
import { counted } from '@deed/config/counted'
import { Language } from '@deed/proto/template'
import { z } from 'zod'
import type { Kind } from '../kind/kind.ts'
import { type FileBefore, fileWrite, writtenFile } from './file-write.ts'

const Input = z.strictObject({
  path: z.string().min(1).max(4096),
  language: Language,
  content: z.string().max(1_000_000),
  /** The template that the content was rendered from. */
  template_id: z.string().max(128).optional(),
})
export type CodeGenerate = z.output<typeof Input>

export const codeGenerate: Kind<CodeGenerate, FileBefore> = {
  ...fileWrite,
  name: 'code.generate',
  input: Input,
  example: { path: 'lib/greeter.ex', language: 'elixir', content: 'defmodule Greeter do\nend\n' },
  summary: ({ path, language, content }) =>
    `write ${counted(Buffer.byteLength(content), 'byte')} of ${language} to ${path}`,
  postcondition(input, before) {
    const file = writtenFile(input, before)
    return file.kind === 'file' ? { ...file, syntax: input.language } : file
  },
}

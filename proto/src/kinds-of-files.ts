/** The part of the table of kinds that is about files and folders. */
import { z } from 'zod'
import type { KindFacts } from './kind-facts.ts'
import { Language } from './template.ts'

export const Path = z.string().min(1).max(4096).describe('relative to the workspace')
export const Content = z.string().max(200_000)

export const FILE_KINDS: Readonly<Record<string, KindFacts>> = {
  'file.write': {
    about: 'Write a whole file; missing parent folders are created.',
    effect: 'change',
    creates: 'absent',
    touches: { paths: ['path'] },
    in_workspace: true,
    short: true,
    expected_ms: 20,
    input: z.strictObject({ path: Path, content: Content }),
  },
  'file.patch': {
    about: 'Apply a unified diff to one file; every context line must match the file.',
    effect: 'change',
    touches: { paths: ['path'] },
    in_workspace: true,
    expected_ms: 20,
    input: z.strictObject({ path: Path, diff: Content.min(1) }),
  },
  'file.edit': {
    about: 'Replace an exact text in a file by another. The text must occur exactly `times` times, once by default.',
    effect: 'change',
    touches: { paths: ['path'] },
    in_workspace: true,
    short: true,
    expected_ms: 20,
    input: z.strictObject({
      path: Path,
      find: Content.min(1),
      replace: Content,
      times: z.union([z.int().min(1).max(1_000_000), z.literal('all')]).optional(),
    }),
  },
  'file.append': {
    about: 'Add lines at the end of a file, which is created where it does not exist.',
    effect: 'change',
    creates: 'absent',
    touches: { paths: ['path'] },
    in_workspace: true,
    short: true,
    expected_ms: 20,
    input: z.strictObject({ path: Path, text: Content.min(1) }),
  },
  'file.move': {
    about: 'Rename or move a file.',
    effect: 'change',
    touches: { paths: ['from', 'to'] },
    in_workspace: true,
    expected_ms: 20,
    input: z.strictObject({ from: Path, to: Path, overwrite: z.boolean().optional() }),
  },
  'file.copy': {
    about: 'Copy a file to a name that is free, or with `/` at its end into a folder.',
    effect: 'create',
    touches: { paths: ['from', 'to'] },
    in_workspace: true,
    expected_ms: 20,
    input: z.strictObject({ from: Path, to: Path }),
  },
  'file.delete': {
    about: 'Delete one file.',
    effect: 'delete',
    touches: { paths: ['path'] },
    in_workspace: true,
    expected_ms: 20,
    input: z.strictObject({ path: Path }),
  },
  'file.read': {
    about: 'Read a text file: all of it, its lines `from` to `to`, or its `last` lines. Of a folder, what is in it.',
    effect: 'read',
    in_workspace: true,
    expected_ms: 50,
    input: z.strictObject({
      path: Path,
      from: z.int().min(1).optional(),
      to: z.int().min(1).optional(),
      last: z.int().min(1).max(10_000).optional(),
    }),
  },
  'file.list': {
    about: 'List a folder, or what matches a glob such as logs/*.log or src/**, with sizes and times.',
    effect: 'read',
    in_workspace: true,
    expected_ms: 50,
    input: z.strictObject({ path: Path.optional() }),
  },
  'file.search': {
    about: 'Find a text, or a regular expression, in the lines of the files of a folder or glob.',
    effect: 'read',
    in_workspace: true,
    expected_ms: 500,
    input: z.strictObject({
      text: z.string().min(1).max(1_000).optional(),
      regex: z.string().min(1).max(1_000).optional(),
      path: Path.optional(),
      ignore_case: z.boolean().optional(),
    }),
  },
  'dir.create': {
    about: 'Make a folder.',
    effect: 'create',
    touches: { paths: ['path'] },
    in_workspace: true,
    expected_ms: 20,
    input: z.strictObject({ path: Path }),
  },
  'code.generate': {
    about: 'Write a source file; it must parse in its language.',
    effect: 'change',
    creates: 'absent',
    touches: { paths: ['path'] },
    in_workspace: true,
    expected_ms: 20,
    input: z.strictObject({ path: Path, language: Language, content: Content }),
  },
  'code.refactor': {
    about:
      'Change the structure of TypeScript or JavaScript: rename or move what is declared, extract a function, change parameters, rewrite a pattern. Kept only if the tests of the project pass.',
    effect: 'change',
    in_workspace: true,
    exclusive: 'workspace',
    expected_ms: 10_000,
    words: /refactor|renam|mov|extract|signature|parameter|rewrit|replac/i,
    input: z.strictObject({
      operation: z.enum([
        'rename',
        'move_file',
        'move_symbol',
        'extract_function',
        'change_signature',
        'rewrite_pattern',
      ]),
      path: Path,
      symbol: z.string().max(256).optional().describe('what is renamed, moved or given other parameters'),
      to: z.string().max(4096).optional().describe('the new name, or the new path'),
      line: z.int().min(1).optional(),
      from_line: z.int().min(1).optional(),
      to_line: z.int().min(1).optional(),
      name: z.string().max(128).optional().describe('of the function that is extracted'),
      parameters: z
        .array(z.strictObject({ name: z.string(), type: z.string().optional(), value: z.string().optional() }))
        .max(50)
        .optional(),
      pattern: z.string().max(10_000).optional().describe('of ast-grep, as in console.log($$$A)'),
      rewrite: z.string().max(10_000).optional(),
    }),
  },
}

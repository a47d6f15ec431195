/** Reads a template file: front matter between two lines of `---`, then the body. */
import { IN_SENTENCES } from '@deed/config/fault-sentence'
import { DeedError } from '@deed/proto/errors'
import { Complexity } from '@deed/proto/task'
import { Language, TemplateRisk } from '@deed/proto/template'
import { checkTemplate } from '@deed/template/render'
import { checkSource } from '@deed/template/slots'
import { ALL_THINGS } from '@deed/template/things'
import { isMap, isScalar, LineCounter, type ParsedNode, parseDocument, visit } from 'yaml'
import { z } from 'zod'
import { TASK_TYPES } from './task-type-vocabulary.ts'

const BODY_CHARS_MAX = 131_072

const Scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String)

const FrontMatter = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/, 'lower case letters, digits, dots, dashes and underscores'),
  version: z.int().min(1),
  language: Language.or(z.literal('any')),
  task_type: z.enum(TASK_TYPES),
  /** Absent: fits every complexity. */
  complexity: Complexity.optional(),
  description: z.string().min(1).max(512),
  /** Words in a task that this template matches. */
  keywords: z.array(z.string().min(1).max(64)).max(50).default([]),
  /** The output path for a task that names no file; rendered like the body. */
  file: z
    .string()
    .max(512)
    .refine((file) => !/^\/|\\|(?:^|\/)\.\.?(?:\/|$)/.test(file), 'a path below the workspace, without . and ..')
    .optional(),
  /** Variable names with their defaults, and what fills them; see `@deed/template/slots`. */
  variables: z
    .record(
      z.string().regex(/^[a-z][a-z0-9_]{0,63}$/),
      z.union([
        Scalar.transform((value) => ({ default: value, from: undefined })),
        z.strictObject({ default: Scalar, from: z.string().min(1).max(512) }),
      ]),
    )
    .default({}),
  /** The nouns of what it makes, if these are fewer than those of its task type. */
  makes: z
    .array(z.enum([...ALL_THINGS]))
    .max(20)
    .default([]),
  /** Fits only a task with one of these words, and is then preferred. */
  when: z
    .array(z.string().regex(/^[a-z0-9]{1,64}$/))
    .max(50)
    .default([]),
  /** Commands that accept the result, for people and for the tests of templates; `{{file}}` is its path. */
  acceptance: z.array(z.string().min(1).max(512)).max(10).default([]),
  risk: TemplateRisk.default('low'),
})

export interface Template {
  readonly id: string
  readonly version: number
  readonly language: Language | 'any'
  readonly taskType: (typeof TASK_TYPES)[number]
  readonly complexity: Complexity | undefined
  readonly description: string
  readonly keywords: readonly string[]
  readonly file: string | undefined
  readonly variables: Readonly<Record<string, string>>
  /** What fills a variable that has not the name of a fact. */
  readonly sources: Readonly<Record<string, string>>
  readonly makes: readonly string[]
  readonly when: readonly string[]
  readonly acceptance: readonly string[]
  readonly risk: z.output<typeof TemplateRisk>
  readonly body: string
  /** Whether it was not shipped, so that it has to prove itself. */
  readonly own: boolean
  /** The whole file. */
  readonly text: string
  /** The file name, for messages. */
  readonly source: string
}

/**
 * Reads and validates a template.
 *
 * @throws {DeedError} invalid_template; the message begins with file and line, and names the field
 */
export function readTemplate(text: string, source: string, own = true): Template {
  const { head, body, bodyLine } = split(text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n'), source)
  const front = readFrontMatter(head, source)
  if (body.trim() === '') throw invalid(source, bodyLine, 'the body is empty')
  if (body.length > BODY_CHARS_MAX)
    throw invalid(source, bodyLine, `the body has more than ${BODY_CHARS_MAX} characters; shorten it`)
  const { variables, sources } = slotsOf(front.variables, source)
  try {
    // The path is appended to the body, since either may use a variable.
    checkTemplate({ body: `${body}\n${front.file ?? ''}`, variables })
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    const line = error.details?.line
    const message = error.message.replace(/^line \d+: /, '')
    if (typeof line !== 'number') throw invalid(source, 1, message)
    if (line > body.split('\n').length) throw invalid(source, 1, `file: ${message}`)
    throw invalid(source, bodyLine + line - 1, message)
  }
  const { task_type: taskType, complexity, file, ...rest } = front
  return { ...rest, variables, sources, taskType, complexity, file, body, own, text, source }
}

function slotsOf(
  declared: z.output<typeof FrontMatter>['variables'],
  source: string,
): Pick<Template, 'variables' | 'sources'> {
  const slots = Object.entries(declared)
  for (const [name, { from }] of slots) {
    try {
      if (from !== undefined) checkSource(from)
    } catch (error) {
      if (error instanceof DeedError) throw invalid(source, 1, `variables.${name}.from: ${error.message}`)
      throw error
    }
  }
  return {
    variables: Object.fromEntries(slots.map(([name, slot]) => [name, slot.default])),
    sources: Object.fromEntries(slots.flatMap(([name, { from }]) => (from === undefined ? [] : [[name, from]]))),
  }
}

function split(text: string, source: string): { head: string; body: string; bodyLine: number } {
  const end = text.startsWith('---\n') ? text.indexOf('\n---\n', 3) : -1
  if (end < 0) throw invalid(source, 1, 'a template begins with front matter between two lines of ---')
  const head = text.slice(4, end + 1)
  return { head, body: text.slice(end + 5), bodyLine: head.split('\n').length + 2 }
}

function readFrontMatter(head: string, source: string): z.output<typeof FrontMatter> {
  const lines = new LineCounter()
  const document = parseDocument(head, { lineCounter: lines, uniqueKeys: true })
  // The front matter begins on the file's second line.
  const lineAt = (offset: number): number => lines.linePos(offset).line + 1
  const [fault] = document.errors
  if (fault) throw invalid(source, lineAt(fault.pos[0]), fault.message.split('\n')[0] ?? 'the front matter is not YAML')
  visit(document, {
    Alias(_, alias) {
      throw invalid(source, lineAt(alias.range?.[0] ?? 0), 'aliases are not allowed; write the value again')
    },
  })
  const { data, error } = FrontMatter.safeParse(document.toJS({ maxAliasCount: 0 }), IN_SENTENCES)
  if (!error) return data
  const [issue] = error.issues
  const path = issue?.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : (issue?.path ?? [])
  const field = path.map(String).join('.') || 'the front matter'
  throw invalid(source, lineAt(offsetOf(document.contents, path)), `${field}: ${issue?.message ?? 'cannot be read'}`)
}

/** The offset of the deepest existing key on the path. */
function offsetOf(root: ParsedNode | null, path: readonly PropertyKey[]): number {
  let node: unknown = root
  let offset = 0
  for (const key of path) {
    if (!isMap(node)) break
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))
    if (!pair) break
    if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset
    node = pair.value
  }
  return offset
}

function invalid(source: string, line: number, message: string): DeedError {
  return new DeedError('invalid_template', `${source}:${line}: ${message}`, { details: { file: source, line } })
}

/**
 * Generates code from a template: name, path and language come from the words of the task.
 *
 * A template makes one kind of thing. So the words must end in one of its names ("a NATS consumer for processing user
 * events"), and add nothing but a name that the template uses.
 */
import type { AgentTask, PlannedAction, TemplateBody } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import { type Language, Language as LanguageName } from '@deed/proto/template'
import { renderTemplate } from '@deed/template/render'
import { type Facts, valuesFrom } from '@deed/template/slots'
import { ALL_THINGS, THINGS } from '@deed/template/things'

/** Words that describe the technology of a thing, not its name. */
const TECHNOLOGY = new Set(
  'nats jetstream pull durable queue event message rest http json graphql grpc web custom ui unit integration regression micro database db sql postgres postgresql new simple basic small elixir rust typescript go golang python javascript bash yaml shell fastapi genserver exunit vitest backup deploy deployment'.split(
    ' ',
  ),
)
const ARTICLES = new Set(['a', 'an', 'the', 'our', 'my', 'its', 'their', 'some', 'all', 'new', 'incoming'])
/** These words introduce more than a name. */
const BEYOND_A_NAME = new Set(
  'with without that which who using via when if unless until while because so but except as and or then in on by from into'.split(
    ' ',
  ),
)
const NAME_WORDS_MAX = 5

const LANGUAGE_OF_EXTENSION: ReadonlyMap<string, Language> = new Map(
  Object.entries<Language>({
    ex: 'elixir',
    exs: 'elixir',
    rs: 'rust',
    ts: 'typescript',
    mts: 'typescript',
    tsx: 'typescript',
    go: 'go',
    py: 'python',
    js: 'javascript',
    mjs: 'javascript',
    cjs: 'javascript',
    sql: 'sql',
    yaml: 'yaml',
    yml: 'yaml',
    sh: 'bash',
    bash: 'bash',
    dockerfile: 'dockerfile',
  }),
)

export interface CodeWanted {
  /** The words of the sentence: "NATS consumer for processing user events". */
  readonly thing: string
  readonly file: string | undefined
  readonly language: string | undefined
}

export type CodeOutcome =
  | { readonly outcome: 'planned'; readonly action: PlannedAction; readonly template: TemplateBody }
  | { readonly outcome: 'declined'; readonly reason: 'needs_model' | 'needs_template'; readonly message: string }

/** Depends on words, files and the template alone; the same input gives the same code. */
export function generateCode(task: AgentTask, wanted: CodeWanted): CodeOutcome {
  const { template } = task
  const heads = template ? thingsOf(template) : ALL_THINGS
  const meant = meaningOf(wanted.thing, heads)
  if (!meant) return needsModel('no template makes exactly this')
  const contextFile = task.context?.target_file
  const file = task.target_file ?? (typeof contextFile === 'string' ? contextFile : undefined) ?? wanted.file
  const language = task.language ?? LanguageName.safeParse(wanted.language).data
  if (!template) return { outcome: 'declined', reason: 'needs_template', message: 'name a template that fits the task' }

  let path: string | undefined
  let content: string
  try {
    const values = valuesFrom(template, factsOf(meant.name, task.description, file))
    path =
      file ??
      (template.file === undefined
        ? undefined
        : renderTemplate({ body: template.file, variables: template.variables }, values))
    content = renderTemplate(template, values)
  } catch (error) {
    if (error instanceof DeedError)
      return needsModel(`the template ${template.id} cannot be filled in: ${error.message}`)
    throw error
  }
  if (path === undefined) return needsModel('the request does not say which file to write; name one in target_file')
  const byExtension = LANGUAGE_OF_EXTENSION.get(path.slice(path.lastIndexOf('.') + 1).toLowerCase())
  for (const other of [language, byExtension]) {
    if (other !== undefined && other !== template.language) {
      return needsModel(`the template ${template.id} is in ${template.language}, but the request asks for ${other}`)
    }
  }
  return {
    outcome: 'planned',
    template,
    action: {
      name: 'code-generate',
      title: `write ${meant.name || wanted.thing} to ${path}`,
      action: {
        kind: 'code.generate',
        kind_version: 1,
        input: { path, language: template.language, content, template_id: template.id },
        already_so: 'skip',
        observe_only: false,
        timeout_ms: 60_000,
      },
      depends_on: [],
    },
  }
}

/** @returns undefined if the words say more than a thing and its name */
function meaningOf(thing: string, heads: ReadonlySet<string>): { name: string } | undefined {
  const words = thing.split(' ')
  const lower = words.map((word) => word.toLowerCase())
  const link = lower.findIndex((word) => word === 'for' || word === 'to' || word === 'of')
  const head = lower.slice(0, link < 0 ? undefined : link)
  // "a deployment script", "a configuration file": the thing and what it is written in.
  if (['file', 'script'].includes(head.at(-1) ?? '') && heads.has(head.at(-2) ?? '')) head.pop()
  const last = head.at(-1)
  if (last === undefined || !heads.has(last) || head.some((word) => BEYOND_A_NAME.has(word))) return undefined
  const own = words
    .slice(0, head.length - 1)
    .filter((word) => !TECHNOLOGY.has(word.toLowerCase()) && !ARTICLES.has(word.toLowerCase()))
  if (link < 0) return own.length > NAME_WORDS_MAX ? undefined : { name: own.join(' ') }
  let tail = words.slice(link + 1)
  if (tail.some((word) => BEYOND_A_NAME.has(word.toLowerCase()))) return undefined
  // "for processing user events", "to process user events": the verb is not part of the name.
  if (tail.length > 1 && (/ing$/i.test(tail[0] ?? '') || lower[link] === 'to')) tail = tail.slice(1)
  tail = tail.filter((word) => !ARTICLES.has(word.toLowerCase()))
  if (tail.length === 0 || tail.length > NAME_WORDS_MAX) return undefined
  return { name: tail.join(' ') }
}

function thingsOf({ makes, task_type }: TemplateBody): ReadonlySet<string> {
  return new Set(makes.length > 0 ? makes : THINGS[task_type])
}

/** What the words and the file say. */
function factsOf(name: string, description: string, file: string | undefined): Facts {
  const words = (name === '' ? nameOfFile(file) : name)?.toLowerCase().match(/[a-z0-9]+/g)
  return {
    name: words?.join(' '),
    description: description
      .trim()
      .replace(/[.!?]+$/, '')
      .slice(0, 200),
    namespace: namespaceOf(file),
    tested: /^(?:.*\/)?([^/]+)\.(?:test|spec)(\.[a-z]+)$/
      .exec(file ?? '')
      ?.slice(1)
      .join(''),
  }
}

/** `lib/user_events_consumer.ex` is about user events. */
function nameOfFile(file: string | undefined): string | undefined {
  const stem = file?.split('/').at(-1)?.split('.')[0]
  const words = stem?.split(/[^A-Za-z0-9]+/).filter((word) => word !== '' && !ALL_THINGS.has(word.toLowerCase()))
  return words === undefined || words.length === 0 ? undefined : words.join(' ')
}

/** `lib/my_app/consumer.ex` is in the namespace `my_app`. */
function namespaceOf(file: string | undefined): string | undefined {
  const folder = /^(?:.*\/)?lib\/([a-z][a-z0-9_]*)\//.exec(file ?? '')?.[1]
  return folder?.replaceAll('_', ' ')
}

function needsModel(message: string): CodeOutcome {
  return { outcome: 'declined', reason: 'needs_model', message }
}

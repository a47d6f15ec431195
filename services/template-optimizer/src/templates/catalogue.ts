/** All templates, and which of them fit a task. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeedError } from '@deed/proto/errors'
import type { Complexity } from '@deed/proto/task'
import { LANGUAGES, type Language } from '@deed/proto/template'
import type { TaskType } from './task-type-vocabulary.ts'
import { readTemplate, type Template } from './template-file.ts'

const SUFFIX = '.template'
const FILE_BYTES_MAX = 262_144
const TEMPLATES_MAX = 10_000

/** Task types that have one language, whatever language the context uses. */
const OWN_LANGUAGE: Partial<Record<TaskType, Language>> = {
  database: 'sql',
  configuration: 'yaml',
  devops: 'bash',
  deployment: 'bash',
}

/** If a task names no language, the first of these that has a template. */
const LANGUAGE_WHEN_UNSAID: readonly Language[] = ['typescript', ...LANGUAGES]

export interface Catalogue {
  readonly templates: readonly Template[]
  /** The newest version of a template. */
  get(id: string): Template | undefined
  /**
   * The templates that fit, in groups: the most specific first, then those of the language, then the universal ones.
   * There is at least one group, and no group is empty.
   */
  fitting(wanted: Wanted): readonly (readonly Template[])[]
}

export interface Wanted {
  readonly taskType: TaskType
  readonly language: Language | undefined
  readonly complexity: Complexity | undefined
  /** The words of the task in lower case, which choose between templates that make different things. */
  readonly words?: ReadonlySet<string>
}

/**
 * Reads the templates of each folder: of the shipped ones, then of your own. A higher version in a later folder replaces a template of an earlier one.
 *
 * @throws {DeedError} invalid_template with file and line; also for two files with the same id and version
 */
export async function loadCatalogue(folders: readonly string[]): Promise<Catalogue> {
  const newest = new Map<string, Template>()
  let count = 0
  for (const [order, folder] of folders.entries()) {
    for (const file of await templateFiles(folder)) {
      if (++count > TEMPLATES_MAX)
        throw invalid(`${folder}: there are more than ${TEMPLATES_MAX} templates; remove some`)
      const source = join(folder, file)
      const bytes = await readFile(source)
      if (bytes.length > FILE_BYTES_MAX) throw invalid(`${source}:1: the file has more than ${FILE_BYTES_MAX} bytes`)
      const template = readTemplate(bytes.toString('utf8'), source, order > 0)
      const known = newest.get(template.id)
      if (known?.version === template.version) {
        throw invalid(
          `${source}:1: id: ${known.source} already defines ${template.id} version ${template.version}; raise the version`,
        )
      }
      if (known === undefined || known.version < template.version) newest.set(template.id, template)
    }
  }
  return catalogueOf([...newest.values()])
}

/** @throws {DeedError} invalid_template if there is no universal template as a fallback */
export function catalogueOf(templates: readonly Template[]): Catalogue {
  const byId = new Map(templates.map((template) => [template.id, template]))
  const cells = Map.groupBy(templates, ({ taskType, language }) => cell(taskType, language))
  const universal = cells.get(cell('general', 'any'))
  if (universal === undefined)
    throw invalid('there is no universal template (task_type general, language any); add one')

  const fitting = ({ taskType, language, complexity, words = NO_WORDS }: Wanted): Template[][] => {
    const spoken = language ?? OWN_LANGUAGE[taskType] ?? unsaid(cells, taskType)
    const chain = [cell(taskType, spoken), cell(taskType, 'any'), cell('general', spoken), cell('general', 'any')]
    return [...new Set(chain)].flatMap((key) => {
      const found = cells.get(key)
      return found === undefined ? [] : [ofComplexity(ofWords(found, words), complexity)]
    })
  }
  return { templates, get: (id) => byId.get(id), fitting }
}

function unsaid(cells: ReadonlyMap<string, Template[]>, taskType: TaskType): Language | 'any' {
  if (taskType === 'general' || cells.has(cell(taskType, 'any'))) return 'any'
  return LANGUAGE_WHEN_UNSAID.find((language) => cells.has(cell(taskType, language))) ?? 'any'
}

const NO_WORDS: ReadonlySet<string> = new Set()

/** The templates made for these words, else those for any words, else all: first by `when`, then by the thing. */
function ofWords(templates: Template[], words: ReadonlySet<string>): Template[] {
  const said = (listed: readonly string[]): boolean => listed.some((word) => words.has(word))
  const open = orAll(templates, ({ when }) => when.length === 0 || said(when))
  const meant = orAll(open, ({ when }) => said(when))
  return orAll(meant, ({ makes }) => said(makes))
}

function orAll(templates: Template[], fits: (template: Template) => boolean): Template[] {
  const fitting = templates.filter(fits)
  return fitting.length > 0 ? fitting : templates
}

/** The templates for the complexity, or those for any complexity, or all. */
function ofComplexity(templates: Template[], complexity: Complexity | undefined): Template[] {
  const made = templates.filter((template) => template.complexity !== undefined && template.complexity === complexity)
  if (made.length > 0) return made
  const open = templates.filter((template) => template.complexity === undefined)
  return open.length > 0 ? open : templates
}

function cell(taskType: TaskType, language: Language | 'any'): string {
  return `${taskType}/${language}`
}

/** Sorted by name, so that every replica reads them in the same order. */
async function templateFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(SUFFIX))
    .map(({ name }) => name)
    .sort()
}

function invalid(message: string): DeedError {
  return new DeedError('invalid_template', message)
}

/**
 * Renders templates. A placeholder is `{{name}}` or `{{name | filter | filter}}`; everything else is text. There are no
 * conditions, loops or calls: a template is never executed.
 */
import { DeedError } from '@deed/proto/errors'
import { FILTERS } from './filters.ts'

/** Unfiltered values are limited to these characters, which cannot change the meaning of the code around them. */
const PLAIN_VALUE = /^[A-Za-z0-9_.,:@%+=~ />*-]*$/
const COMMENT_MARK = /\*\/|\/\*|--/
const VALUE_CHARS_MAX = 4096

/** Every possible placeholder; `${{ x }}`, `{{ $x }}` and `{{ .x }}` are text, for workflows, alerts and charts. */
const BRACES = /(?<!\$)\{\{(?!\s*[$.])([^{}\n]*)\}\}/g
const PLACEHOLDER = /^\s*([a-z][a-z0-9_]*)((?:\s*\|\s*[a-z]+)*)\s*$/

export interface TemplateText {
  readonly body: string
  /** Variable names with their default values. */
  readonly variables: Readonly<Record<string, string>>
}

type Part = string | { readonly name: string; readonly filters: readonly string[] }

/**
 * The template with `values` inserted; a variable without a value uses its default, and a value without a variable is
 * ignored.
 *
 * Without a filter a value may contain letters, digits, spaces and the punctuation of names, paths and subjects.
 * Quotes, backslashes, braces and line breaks need the filter `prose`, which drops them: so a value can never leave the
 * string or the comment around it.
 *
 * @throws {DeedError} invalid_template with the line, as `checkTemplate` does; invalid_request with the variable as
 *   path if its value is invalid in its place
 */
export function renderTemplate(template: TemplateText, values: Readonly<Record<string, string>> = {}): string {
  let text = ''
  for (const part of parse(template)) text += typeof part === 'string' ? part : fill(part, template, values)
  return text
}

/**
 * Checks that a template can be rendered: every placeholder is well formed, its variable is declared, its filters
 * exist, every variable is used, and the defaults are valid.
 *
 * @throws {DeedError} invalid_template; `details.line` counts from 1 within the body
 */
export function checkTemplate(template: TemplateText): void {
  const used = new Set<string>()
  for (const part of parse(template)) if (typeof part !== 'string') used.add(part.name)
  for (const name of Object.keys(template.variables)) {
    if (!used.has(name)) throw invalid(`the variable ${name} is declared but never used; use it or remove it`)
  }
  try {
    renderTemplate(template)
  } catch (error) {
    throw invalid(`a default is invalid: ${(error as Error).message}`)
  }
}

function parse({ body, variables }: TemplateText): Part[] {
  const parts: Part[] = []
  let end = 0
  for (const braces of body.matchAll(BRACES)) {
    const [written, inside = ''] = braces
    const [, name, filterList = ''] = PLACEHOLDER.exec(inside) ?? []
    const line = () => body.slice(0, braces.index).split('\n').length
    if (name === undefined) {
      throw invalid(`${written} is not a placeholder; for literal braces, put a space between them`, line())
    }
    if (!Object.hasOwn(variables, name))
      throw invalid(`the variable ${name} is not declared; add it to variables`, line())
    const filters = filterList
      .split('|')
      .map((filter) => filter.trim())
      .slice(1)
    for (const filter of filters) {
      if (!FILTERS.has(filter)) {
        throw invalid(`there is no filter ${filter}; the filters are ${[...FILTERS.keys()].join(', ')}`, line())
      }
    }
    parts.push(body.slice(end, braces.index), { name, filters })
    end = braces.index + written.length
  }
  parts.push(body.slice(end))
  return parts
}

function fill(
  { name, filters }: Exclude<Part, string>,
  { variables }: TemplateText,
  values: Readonly<Record<string, string>>,
): string {
  const given = Object.hasOwn(values, name) ? values[name] : undefined
  const value = (given ?? variables[name] ?? '').slice(0, VALUE_CHARS_MAX + 1)
  if (value.length > VALUE_CHARS_MAX) throw unfit(name, `is longer than ${VALUE_CHARS_MAX} characters; shorten it`)
  let filled = value
  for (const filter of filters) filled = FILTERS.get(filter)?.(filled) ?? filled
  if (filled === '' && value !== '') throw unfit(name, 'needs a letter or digit to be used as a name')
  if (!filters.includes('prose') && (!PLAIN_VALUE.test(filled) || COMMENT_MARK.test(filled))) {
    throw unfit(
      name,
      'contains a quote, brace, backslash, comment mark or line break where code would read it; remove it, or use the filter prose',
    )
  }
  return filled
}

function invalid(message: string, line?: number): DeedError {
  return new DeedError('invalid_template', line === undefined ? message : `line ${line}: ${message}`, {
    details: line === undefined ? undefined : { line },
  })
}

function unfit(name: string, what: string): DeedError {
  return new DeedError('invalid_request', `the value of ${name} ${what}`, { path: `$.variables.${name}` })
}

/** What tests read of the documentation: its files, links and code blocks. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../..')

/** All of the repository, as paths from its root. */
export const PAGES: readonly string[] = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'],
  { cwd: ROOT, encoding: 'utf8' },
)
  .split('\n')
  .filter((path) => path !== '')

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** A code block, as its fence describes it. */
export interface Block {
  /** `docs/nats.md:40` */
  readonly at: string
  readonly language: string
  /** What comes after the language: `run`, `run needs nats`, `from examples/execution.yaml`, `not-run: needs docker`. */
  readonly mark: string
  readonly text: string
}

export function blocksOf(page: string): Block[] {
  const text = read(page)
  return [...text.matchAll(/^```(\S+)?(?: ([^\n]+))?\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', mark = '', block = ''], index, { [index]: found }) => ({
      at: `${page}:${text.slice(0, found?.index).split('\n').length}`,
      language,
      mark,
      text: block,
    }),
  )
}

/** Of the links of a page, those that stay in the repository. */
export function linksOf(page: string): { path: string; anchor: string }[] {
  return [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor = ''] = target.split('#')
      return { path: path === '' ? page : join(page, '..', path), anchor }
    })
}

/** The anchors of a page, as GitHub makes them from its headings. */
export function anchorsOf(page: string): Set<string> {
  const headings = [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

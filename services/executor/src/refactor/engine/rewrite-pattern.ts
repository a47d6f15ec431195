/** Rewrites every node that matches a pattern of ast-grep. */
import { Lang, parse, type SgNode } from '@ast-grep/napi'
import type { Project } from './project.ts'
import { Refused } from './refused.ts'

const PLACES_MAX = 10_000

/** @param at absolute, of a file or a folder @returns how many places have changed */
export function rewritePattern(project: Project, at: string, pattern: string, rewrite: string): number {
  if (faultsIn(pattern.replaceAll('$$$', '$')))
    throw new Refused('invalid_request', 'the pattern is not a piece of TypeScript or JavaScript')
  const files = project.files().filter((file) => file === at || file.startsWith(`${at}/`))
  if (files.length === 0)
    throw new Refused(
      'not_found',
      `there are no source files of TypeScript or JavaScript in ${at.slice(project.root.length + 1) || '.'}`,
    )
  let places = 0
  for (const file of files) {
    const text = project.read(file)
    if (text === undefined) continue
    const root = parse(languageOf(file), text).root()
    // A match inside of another one is left: its text is part of what replaces that.
    const found = root.findAll(pattern).filter((node, _, all) => !all.some((other) => holds(other, node)))
    if (found.length === 0) continue
    places += found.length
    if (places > PLACES_MAX)
      throw new Refused('precondition_failed', `the pattern matches at more than ${PLACES_MAX} places`)
    project.write(file, root.commitEdits(found.map((node) => node.replace(filled(rewrite, node, text)))))
  }
  if (places === 0) throw new Refused('not_found', 'the pattern matches nowhere')
  return places
}

function languageOf(file: string): Lang {
  if (/\.[cm]?ts$/.test(file)) return Lang.TypeScript
  return file.endsWith('.tsx') ? Lang.Tsx : Lang.JavaScript
}

/** Whether a text has what the grammar does not know. */
const faultsIn = (text: string): boolean =>
  parse(Lang.Tsx, text)
    .root()
    .find({ rule: { kind: 'ERROR' } }) !== null

function holds(outer: SgNode, inner: SgNode): boolean {
  const [a, b] = [outer.range(), inner.range()]
  if (a.start.index === b.start.index && a.end.index === b.end.index) return false
  return a.start.index <= b.start.index && b.end.index <= a.end.index
}

/** `$A` and `$$$A` of the rewrite, as the match has them; several with all that is between them. */
function filled(rewrite: string, node: SgNode, text: string): string {
  return rewrite.replace(/\$\$\$([A-Z_][A-Z0-9_]*)|\$([A-Z_][A-Z0-9_]*)/g, (_, several?: string, one?: string) => {
    if (one !== undefined) {
      const found = node.getMatch(one)
      if (!found) throw new Refused('invalid_request', `the rewrite has $${one}, and the pattern has not`)
      return found.text()
    }
    const found = node.getMultipleMatches(several!)
    const [first, last] = [found[0], found.at(-1)]
    return first && last ? text.slice(first.range().start.index, last.range().end.index) : ''
  })
}

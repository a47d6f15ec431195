/** Where a name is declared in a file. */
import { ts } from '@ts-morph/common'
import type { Project } from './project.ts'
import { Refused } from './refused.ts'

/**
 * @param symbol `total`, or `Basket.total`
 * @param line of the declaration, where the name is declared several times
 * @returns the identifier that is declared
 * @throws {Refused} where the file declares no such name, or several
 */
export function findDeclaration(project: Project, path: string, symbol: string, line?: number): ts.Node {
  const file = sourceOf(project, path)
  const shown = path.slice(project.root.length + 1)
  const checker = project.program().getTypeChecker()
  const lineOf = (node: ts.Node) => file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1
  const wanted = symbol.split('.')
  const found = namesIn(file).filter(
    ({ within, name }) => name.text === wanted.at(-1) && endsWith([...within, name.text], wanted),
  )
  const [first, ...others] = line === undefined ? outermost(found) : found.filter(({ name }) => lineOf(name) === line)
  if (!first) {
    const imported = importOf(file, symbol)
    const there = line === undefined ? '' : ` in line ${line}`
    const hint = imported === undefined ? '' : `; it is imported there from ${imported}: name the file that declares it`
    throw new Refused('not_found', `${shown} declares no ${symbol}${there}${hint}`)
  }
  // Overloads, and what is declared in several parts, are one.
  const same = ({ name }: Declared) => checker.getSymbolAtLocation(name) === checker.getSymbolAtLocation(first.name)
  if (!others.every(same)) {
    const lines = [first, ...others].map(({ name }) => lineOf(name)).join(', ')
    throw new Refused('precondition_failed', `${shown} declares ${symbol} in lines ${lines}; say which with line`)
  }
  return first.name
}

export function sourceOf(project: Project, path: string): ts.SourceFile {
  const file = project.program().getSourceFile(path)
  if (!file)
    throw new Refused(
      'not_found',
      `${path.slice(project.root.length + 1)} is no source file of TypeScript or JavaScript`,
    )
  return file
}

export interface Declared {
  readonly name: ts.Identifier | ts.PrivateIdentifier
  /** The names that it is declared in, from the outside. */
  readonly within: readonly string[]
}

export function namesIn(file: ts.SourceFile): Declared[] {
  const found: Declared[] = []
  const visit = (node: ts.Node, within: readonly string[]) => {
    const name = (node as Partial<ts.NamedDeclaration>).name
    const declares = name && (ts.isIdentifier(name) || ts.isPrivateIdentifier(name)) && isDeclaration(node)
    if (declares) found.push({ name, within })
    ts.forEachChild(node, (child) => visit(child, declares ? [...within, name.text] : within))
  }
  visit(file, [])
  return found
}

const isDeclaration = (node: ts.Node): boolean =>
  !ts.isImportSpecifier(node) &&
  !ts.isImportClause(node) &&
  !ts.isExportSpecifier(node) &&
  !ts.isPropertyAccessExpression(node)

/** Where a name is declared at several depths, the outermost is meant. */
function outermost(found: readonly Declared[]): readonly Declared[] {
  const depth = Math.min(...found.map(({ within }) => within.length))
  return found.filter(({ within }) => within.length === depth)
}

const endsWith = (path: readonly string[], wanted: readonly string[]): boolean =>
  path.slice(-wanted.length).join('.') === wanted.join('.')

function importOf(file: ts.SourceFile, symbol: string): string | undefined {
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue
    const bound = statement.importClause?.namedBindings
    const names = bound && ts.isNamedImports(bound) ? bound.elements.map(({ name }) => name.text) : []
    if (names.includes(symbol) || statement.importClause?.name?.text === symbol) return statement.moduleSpecifier.text
  }
  return undefined
}

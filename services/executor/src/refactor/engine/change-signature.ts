/** Reorders, removes and adds the parameters of a function, and the arguments of everything that calls it. */
import { ts } from '@ts-morph/common'
import { findDeclaration, sourceOf } from './find-declaration.ts'
import type { Project } from './project.ts'
import { Refused } from './refused.ts'

export interface Parameter {
  readonly name: string
  readonly type?: string | undefined
  readonly value?: string | undefined
}

/** @param wanted all parameters that it has afterwards @returns how many places have changed */
export function changeSignature(
  project: Project,
  path: string,
  symbol: string,
  wanted: readonly Parameter[],
  line?: number,
): number {
  if (new Set(wanted.map(({ name }) => name)).size < wanted.length)
    throw new Refused('invalid_request', 'two of the parameters have the same name')
  const at = findDeclaration(project, path, symbol, line).getStart()
  const { functions, calls } = usesOf(project, path, at, symbol)
  const [first] = functions
  if (!first) throw new Refused('precondition_failed', `${symbol} is no function`)
  const old = namesOf(first, symbol)
  for (const other of functions)
    if (namesOf(other, symbol).join() !== old.join())
      throw new Refused('precondition_failed', `${symbol} is declared several times, with other parameters each`)
  const rest = first.parameters.some(({ dotDotDotToken }) => dotDotDotToken)
  if (rest && wanted.at(-1)?.name !== old.at(-1))
    throw new Refused(
      'precondition_failed',
      `${old.at(-1)} takes all further arguments, so it stays the last parameter`,
    )
  for (const { name, value } of wanted)
    if (!old.includes(name) && value === undefined && calls.length > 0)
      throw new Refused('invalid_request', `say with value what the ${calls.length} callers give for ${name}`)
  for (const one of functions) {
    refuseUsed(project, one, wanted)
    refuseByNumber(one, symbol)
  }
  for (const call of calls) refuseEffects(call, old, wanted)

  const fresh = new Map<ts.Node, () => string>()
  for (const one of functions) {
    const list = wanted.map((parameter) => declarationOf(one, parameter)).join(', ')
    fresh.set(one, () => inBrackets(one, list))
  }
  for (const call of calls) fresh.set(call, () => argumentsOf(call, old, wanted, rest, textWith(fresh)))
  const files = new Set([...fresh.keys()].map((node) => node.getSourceFile()))
  for (const file of files) project.write(file.fileName, textWith(fresh)(file, true))
  return fresh.size
}

type Call = ts.CallExpression | ts.NewExpression

function usesOf(project: Project, path: string, at: number, symbol: string) {
  const functions: ts.SignatureDeclaration[] = []
  const calls: Call[] = []
  for (const { references } of project.service.findReferences(path, at) ?? []) {
    for (const { fileName, textSpan } of references) {
      if (!fileName.startsWith(`${project.root}/`) || fileName.includes('/node_modules/'))
        throw new Refused('precondition_failed', `${symbol} is used outside of the project, in ${fileName}`)
      const file = sourceOf(project, fileName)
      const node = nodeAt(file, textSpan.start)
      const used = functionOf(node) ?? callOf(node)
      if (used && ts.isFunctionLike(used)) functions.push(used)
      else if (used) calls.push(used as Call)
      else if (!isNamedOnly(node)) {
        const { line } = file.getLineAndCharacterOfPosition(textSpan.start)
        const shown = fileName.slice(project.root.length + 1)
        throw new Refused('precondition_failed', `${symbol} is not only called: see ${shown}, line ${line + 1}`)
      }
    }
  }
  return { functions, calls }
}

/** The innermost node that begins at a position. */
function nodeAt(file: ts.SourceFile, position: number): ts.Node {
  let found: ts.Node = file
  const visit = (node: ts.Node) => {
    if (node.getStart(file) > position || node.end <= position) return
    found = node
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

function functionOf(node: ts.Node): ts.SignatureDeclaration | undefined {
  const { parent } = node
  if (ts.isFunctionLike(parent) && (parent as ts.NamedDeclaration).name === node) return parent
  if (!ts.isVariableDeclaration(parent) && !ts.isPropertyAssignment(parent) && !ts.isPropertyDeclaration(parent))
    return undefined
  const { initializer } = parent
  return parent.name === node && initializer && ts.isFunctionLike(initializer) ? initializer : undefined
}

function callOf(node: ts.Node): Call | undefined {
  const callee = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node ? node.parent : node
  const { parent } = callee
  return (ts.isCallExpression(parent) || ts.isNewExpression(parent)) && parent.expression === callee
    ? parent
    : undefined
}

/** It says where the function is, and hands it to nobody. */
const isNamedOnly = ({ parent }: ts.Node): boolean =>
  ts.isImportSpecifier(parent) ||
  ts.isExportSpecifier(parent) ||
  ts.isImportClause(parent) ||
  ts.isTypeQueryNode(parent)

function namesOf({ parameters }: ts.SignatureDeclaration, symbol: string): string[] {
  return parameters.map(({ name }) => {
    if (ts.isIdentifier(name) && name.text !== 'this') return name.text
    throw new Refused('precondition_failed', `${symbol} has a parameter without a name of its own: ${name.getText()}`)
  })
}

/** What is removed must not be used any more. */
function refuseUsed(project: Project, { parameters }: ts.SignatureDeclaration, wanted: readonly Parameter[]): void {
  for (const { name } of parameters) {
    if (wanted.some((one) => one.name === name.getText())) continue
    const file = name.getSourceFile()
    const uses =
      project.service.findReferences(file.fileName, name.getStart())?.flatMap(({ references }) => references) ?? []
    const use = uses.find(({ isDefinition, textSpan }) => !isDefinition && textSpan.start !== name.getStart())
    if (!use) continue
    const { line } = file.getLineAndCharacterOfPosition(use.textSpan.start)
    throw new Refused(
      'precondition_failed',
      `${name.getText()} is still used in line ${line + 1}, so it cannot be removed`,
    )
  }
}

/** `arguments[1]` means a parameter by its place, which changes. */
function refuseByNumber(one: ts.SignatureDeclaration, symbol: string): void {
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && node.text === 'arguments') throw usedByNumber(node, symbol)
    // Of an arrow function, `arguments` are those of the function around it.
    if (node === one || !ts.isFunctionLike(node) || ts.isArrowFunction(node)) ts.forEachChild(node, visit)
  }
  if (!ts.isArrowFunction(one)) visit(one)
}

const usedByNumber = (node: ts.Node, symbol: string): Refused =>
  new Refused('precondition_failed', `${symbol} uses its parameters by their numbers: see ${placeOf(node)}`)

function placeOf(node: ts.Node): string {
  const file = node.getSourceFile()
  return `line ${file.getLineAndCharacterOfPosition(node.getStart()).line + 1} of ${file.fileName.split('/').at(-1)}`
}

/** What an argument does when it is computed would be done no more, or in another order. */
function refuseEffects(call: Call, old: readonly string[], wanted: readonly Parameter[]): void {
  const given = call.arguments ?? []
  const acting = given.flatMap((argument, index) => (hasEffect(argument) ? [old[index] ?? ''] : []))
  const order = wanted.flatMap(({ name }) => (acting.includes(name) ? [name] : []))
  const lost = acting.find((name) => name !== '' && !order.includes(name))
  if (lost !== undefined)
    throw new Refused('precondition_failed', `a caller does something in what it gives for ${lost}: ${shown(call)}`)
  if (order.join() !== acting.filter((name) => name !== '').join())
    throw new Refused(
      'precondition_failed',
      `a caller does several things in its arguments, whose order would change: ${shown(call)}`,
    )
}

const shown = (call: Call): string => `${call.getText().slice(0, 100)} in ${placeOf(call)}`

const isAssignment = (kind: ts.SyntaxKind): boolean =>
  kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment

/** Whether computing it calls, waits for or assigns something; a function that is given is not called by that. */
function hasEffect(node: ts.Node): boolean {
  if (ts.isFunctionLike(node)) return false
  if (ts.isCallExpression(node) || ts.isNewExpression(node) || ts.isTaggedTemplateExpression(node)) return true
  if (ts.isAwaitExpression(node) || ts.isYieldExpression(node) || ts.isDeleteExpression(node)) return true
  if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind)) return true
  const steps = [ts.SyntaxKind.PlusPlusToken, ts.SyntaxKind.MinusMinusToken]
  if ((ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) && steps.includes(node.operator))
    return true
  return ts.forEachChild(node, (child) => hasEffect(child) || undefined) ?? false
}

/** @param list of `x => x` and the like, which have no brackets of their own */
function inBrackets(one: ts.SignatureDeclaration, list: string): string {
  const [only] = one.parameters
  if (!only || one.getChildren().some(({ kind }) => kind === ts.SyntaxKind.OpenParenToken)) return list
  return `${only.getFullText().slice(0, only.getLeadingTriviaWidth())}(${list})`
}

function declarationOf({ parameters }: ts.SignatureDeclaration, { name, type }: Parameter): string {
  const old = parameters.find((one) => one.name.getText() === name)
  return old ? old.getText() : type === undefined ? name : `${name}: ${type}`
}

function argumentsOf(
  call: Call,
  old: readonly string[],
  wanted: readonly Parameter[],
  rest: boolean,
  textOf: (node: ts.Node) => string,
): string {
  const given = call.arguments ?? ([] as unknown as ts.NodeArray<ts.Expression>)
  if (given.some((one) => ts.isSpreadElement(one)))
    throw new Refused('precondition_failed', `a caller gives its arguments as a list: ${call.getText().slice(0, 100)}`)
  const all = wanted.flatMap(({ name, value }): (string | undefined)[] => {
    const index = old.indexOf(name)
    if (index === -1) return [value]
    if (rest && index === old.length - 1) return given.slice(index).map(textOf)
    const argument = given[index]
    return [argument && textOf(argument)]
  })
  while (all.length > 0 && all.at(-1) === undefined) all.pop()
  return all.map((one) => one ?? 'undefined').join(', ')
}

/** The text of a node in which all functions and calls have their new lists. */
function textWith(fresh: ReadonlyMap<ts.Node, () => string>) {
  const textOf = (node: ts.Node, whole = false): string => {
    const file = node.getSourceFile()
    const from = whole ? 0 : node.getStart(file)
    const pieces: string[] = []
    let at = from
    const visit = (child: ts.Node): void => {
      const list = fresh.get(child)
      const old = ts.isFunctionLike(child) ? child.parameters : (child as Partial<Call>).arguments
      if (!list || !old) {
        ts.forEachChild(child, visit)
        // As in `new Basket`.
        const given = list?.()
        if (given) pieces.push(file.text.slice(at, child.end), `(${given})`)
        if (given) at = child.end
        return
      }
      // What comes before the list may hold others: `f(1)(2)`.
      ts.forEachChild(child, (inner) => {
        if (inner.end <= old.pos) visit(inner)
      })
      pieces.push(file.text.slice(at, old.pos), list())
      at = old.end
      ts.forEachChild(child, (inner) => {
        if (inner.pos >= old.end) visit(inner)
      })
    }
    visit(node)
    pieces.push(file.text.slice(at, node.end))
    return pieces.join('')
  }
  return textOf
}

/** SQL as PostgreSQL's own parser reads it. The parser is loaded when SQL is first met. */
import { DeedError, type ErrorCode } from '@deed/proto/errors'

/** A node of the parse tree: its type, as `SelectStmt`, and its fields. */
export interface Node {
  readonly type: string
  readonly fields: Fields
}
export type Fields = Record<string, unknown>

export interface Call {
  /** Absent where the statement does not say. */
  readonly schema: string | undefined
  readonly name: string
  /** How many arguments it is given. */
  readonly args: number
  /** Written as a column of a row: `row.name` calls a function of that name too. */
  readonly attribute: boolean
}

export interface Named {
  readonly schema: string | undefined
  readonly name: string
}

export interface Statement {
  readonly root: Node
  /** Every node of the tree with a type, the root first. */
  readonly nodes: readonly Node[]
  readonly calls: readonly Call[]
  readonly operators: readonly Named[]
  readonly relations: readonly Named[]
  /** The highest $n. */
  readonly params: number
}

/**
 * @param several the code of the error where there are several statements
 * @param path of the text in the request, for errors
 * @throws {DeedError} `invalid_request` for what PostgreSQL's grammar does not accept
 */
export async function parseStatement(
  text: string,
  several: ErrorCode = 'invalid_request',
  path?: string,
): Promise<Statement> {
  const { parse, SqlError } = await import('libpg-query')
  const refuse = (message: string, code: ErrorCode = 'invalid_request') => new DeedError(code, message, { path })
  // The C parser would end here, and the server refuses it.
  if (text.includes('\0')) throw refuse('the statement has a NUL character; leave it out')
  let parsed: Awaited<ReturnType<typeof parse>>
  try {
    parsed = await parse(text)
  } catch (error) {
    if (error instanceof RangeError) throw refuse('the statement is nested too deep to be read; write it as several')
    if (error instanceof SqlError) throw refuse(`this is no SQL that PostgreSQL understands: ${error.message}`)
    // An empty text comes as a plain error.
    if (error instanceof Error && text.trim() === '') throw refuse('the statement is empty')
    throw error
  }
  const statements = parsed.stmts ?? []
  const [first] = statements
  if (!first?.stmt || statements.length > 1)
    throw refuse(`there must be one statement, not ${statements.length}; ask for each by itself`, several)
  return statementOf(nodeOf(first.stmt)!)
}

export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

/** `{ SelectStmt: {...} }` as a node; `undefined` for what is none. */
export function nodeOf(value: unknown): Node | undefined {
  if (!isFields(value)) return undefined
  const [type, ...others] = Object.keys(value)
  if (type === undefined || others.length > 0 || !/^[A-Z]/.test(type)) return undefined
  const fields = value[type]
  return isFields(fields) ? { type, fields } : undefined
}

/** Of a list of strings: the last is the name, the one before it the schema. */
export function nameOf(list: unknown): Named {
  const parts = listOf(list).flatMap((item) => {
    const { String: text } = item as { String?: { sval?: string } }
    return text?.sval === undefined ? [] : [text.sval]
  })
  return { schema: parts.at(-2), name: parts.at(-1) ?? '' }
}

export const relationOf = (fields: unknown): Named => {
  const { schemaname, relname } = fields as { schemaname?: string; relname?: string }
  return { schema: schemaname, name: relname ?? '' }
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** These fields hold a node without its type. */
const UNTYPED: Readonly<Record<string, string>> = {
  relation: 'RangeVar',
  rel: 'RangeVar',
  intoClause: 'IntoClause',
  withClause: 'WithClause',
  onConflictClause: 'OnConflictClause',
  typeName: 'TypeName',
  funccall: 'FuncCall',
  larg: 'SelectStmt',
  rarg: 'SelectStmt',
}

/** Without recursion: a statement may be deeper than a stack. */
function statementOf(root: Node): Statement {
  const nodes: Node[] = []
  const calls: Call[] = []
  const operators: Named[] = []
  const relations: Named[] = []
  let params = 0
  const open: Node[] = [root]
  const push = (value: unknown, field = ''): void => {
    if (Array.isArray(value)) for (const item of value) push(item)
    else if (isFields(value)) {
      const type = UNTYPED[field]
      const node = nodeOf(value) ?? { type: type ?? '', fields: value }
      open.push(node)
    }
  }
  for (let node = open.pop(); node; node = open.pop()) {
    const { type, fields } = node
    if (type !== '') nodes.push(node)
    switch (type) {
      case 'FuncCall':
        calls.push({ ...nameOf(fields.funcname), args: argumentsOf(fields), attribute: false })
        break
      case 'ColumnRef':
        if (listOf(fields.fields).length > 1)
          calls.push({ schema: undefined, name: nameOf(fields.fields).name, args: 1, attribute: true })
        break
      case 'A_Indirection':
        for (const item of listOf(fields.indirection))
          calls.push({ schema: undefined, name: nameOf([item]).name, args: 1, attribute: true })
        break
      case 'A_Expr':
        operators.push(nameOf(fields.name))
        break
      case 'RangeVar':
        relations.push(relationOf(fields))
        break
      case 'ParamRef':
        params = Math.max(params, Number(fields.number ?? 0))
        break
    }
    for (const [field, value] of Object.entries(fields)) push(value, field)
  }
  return { root, nodes, calls: calls.filter(({ name }) => name !== ''), operators, relations, params }
}

/** Of an aggregate over an order, what it is ordered by counts. */
const argumentsOf = ({ args, agg_within_group: within, agg_order: order }: Fields): number =>
  listOf(args).length + (within ? listOf(order).length : 0)

/** Which statements may change data, by the type that PostgreSQL's parser gives them. What is not named here is refused. */
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import { type Fields, listOf, type Node, nodeOf, parseStatement, type Statement } from './parse-sql.ts'
import { nameOfType, refuseOtherCount } from './read-only-query.ts'

const WRITING: ReadonlySet<string> = new Set([
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'TruncateStmt',
  'CreateStmt',
  'CreateTableAsStmt',
  'CreateSchemaStmt',
  'CreateSeqStmt',
  'CreateEnumStmt',
  'CreateRangeStmt',
  'CompositeTypeStmt',
  'CreateDomainStmt',
  'CreateStatsStmt',
  'CreatePolicyStmt',
  'CreatePublicationStmt',
  'CreateRoleStmt',
  'ViewStmt',
  'RuleStmt',
  'IndexStmt',
  'RefreshMatViewStmt',
  'AlterTableStmt',
  'AlterSeqStmt',
  'AlterEnumStmt',
  'AlterDomainStmt',
  'AlterStatsStmt',
  'AlterPolicyStmt',
  'AlterPublicationStmt',
  'AlterRoleStmt',
  'AlterDefaultPrivilegesStmt',
  'AlterObjectSchemaStmt',
  'AlterOwnerStmt',
  'RenameStmt',
  'CommentStmt',
  'GrantStmt',
  'GrantRoleStmt',
  'DropStmt',
  'DropRoleStmt',
])

/** Kinds of objects that run programs, reach other servers, or are of the server itself. */
const BEYOND: ReadonlySet<string> = new Set([
  'OBJECT_ACCESS_METHOD',
  'OBJECT_AGGREGATE',
  'OBJECT_DATABASE',
  'OBJECT_EVENT_TRIGGER',
  'OBJECT_EXTENSION',
  'OBJECT_FDW',
  'OBJECT_FOREIGN_SERVER',
  'OBJECT_FOREIGN_TABLE',
  'OBJECT_FUNCTION',
  'OBJECT_LANGUAGE',
  'OBJECT_OPCLASS',
  'OBJECT_OPERATOR',
  'OBJECT_OPFAMILY',
  'OBJECT_PROCEDURE',
  'OBJECT_ROUTINE',
  'OBJECT_SUBSCRIPTION',
  'OBJECT_TABLESPACE',
  'OBJECT_TRANSFORM',
  'OBJECT_TRIGGER',
  'OBJECT_USER_MAPPING',
])

/** What can never run here, and what to write instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  CopyStmt: 'write the rows with INSERT, or read them with sql.query',
  DoStmt: 'write what the block does as a statement of its own',
  CallStmt: 'write what the procedure does as a statement of its own',
  TransactionStmt: 'the statement has a transaction of its own; leave BEGIN, COMMIT and ROLLBACK out',
  VacuumStmt: 'autovacuum does it; else a person runs it with psql',
  CreatedbStmt: 'a person makes it with psql or createdb',
  DropdbStmt: 'a person removes it with psql or dropdb',
  CreateTableSpaceStmt: 'a person makes it with psql',
  DropTableSpaceStmt: 'a person removes it with psql',
  AlterSystemStmt: 'a person changes the settings of the server with psql',
  AlterDatabaseStmt: 'a person does it with psql',
  CreateSubscriptionStmt: 'a person makes it with psql',
  ReindexStmt: 'a person runs it with psql',
  ClusterStmt: 'a person runs it with psql',
  SelectStmt: 'a SELECT goes into sql.query',
  ExplainStmt: 'EXPLAIN goes into sql.query',
  VariableShowStmt: 'SHOW goes into sql.query',
}
/** They cannot run in a transaction, and without one nothing can be proven before it holds. */
const OUTSIDE: ReadonlySet<string> = new Set([
  'VacuumStmt',
  'CreatedbStmt',
  'DropdbStmt',
  'CreateTableSpaceStmt',
  'DropTableSpaceStmt',
  'AlterSystemStmt',
  'CreateSubscriptionStmt',
])

/** @throws {DeedError} `invalid_request` for what is not one statement that changes data */
export async function parseWriting(text: string, params: readonly Json[], path: string): Promise<Statement> {
  const statement = await parseStatement(text, 'invalid_request', path)
  const { root, nodes } = statement
  const refuse = (message: string) => new DeedError('invalid_request', message, { path })
  const changes = nodes.some(({ type }) => CHANGING.has(type))
  if (!WRITING.has(root.type) && !(root.type === 'SelectStmt' && changes)) {
    const instead = INSTEAD[root.type] ?? 'sql.execute changes rows, tables and rights, and nothing else'
    const why = OUTSIDE.has(root.type) ? 'cannot run in a transaction, so it' : ''
    throw refuse(`${nameOfType(root)} ${why ? `${why} ` : ''}is not allowed in a statement: ${instead}`)
  }
  const beyond = [root.fields.removeType, root.fields.renameType, root.fields.objectType, root.fields.objtype].find(
    (type) => BEYOND.has(String(type)),
  )
  if (beyond !== undefined && root.type !== 'GrantStmt' && root.type !== 'CommentStmt')
    throw refuse(
      `${nameOfType(root)} of a ${wordsOf(String(beyond))} is not allowed in a statement: a person does it with psql`,
    )
  if (isConcurrent(root))
    throw refuse(
      'CONCURRENTLY cannot run in a transaction, and the statement and its proof need one: leave CONCURRENTLY out (the table is locked meanwhile), or a person runs it with psql',
    )
  const nested = nodes.find(({ type }) => type.endsWith('Stmt') && !WRITING.has(type) && type !== 'SelectStmt')
  if (nested) throw refuse(`${nameOfType(nested)} is not allowed inside of a statement`)
  refuseOtherCount(statement, params, 'statement', path)
  return statement
}

export const CHANGING: ReadonlySet<string> = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])

const wordsOf = (object: string): string => object.replace('OBJECT_', '').replaceAll('_', ' ').toLowerCase()

function isConcurrent({ type, fields }: Node): boolean {
  // REFRESH MATERIALIZED VIEW CONCURRENTLY may.
  if (type === 'RefreshMatViewStmt') return false
  return fields.concurrent === true || listOf(fields.cmds).some((cmd) => detaches(nodeOf(cmd)?.fields))
}

const detaches = (fields: Fields | undefined): boolean => nodeOf(fields?.def)?.fields.concurrent === true

/** Whether a statement removes rows, tables, columns or rights. */
export const removes = ({ nodes }: Statement): boolean =>
  nodes.some(
    ({ type, fields }) =>
      ['DeleteStmt', 'TruncateStmt', 'DropStmt', 'DropRoleStmt'].includes(type) ||
      (['GrantStmt', 'GrantRoleStmt'].includes(type) && fields.is_grant !== true) ||
      (type === 'MergeWhenClause' && fields.commandType === 'CMD_DELETE') ||
      (type === 'AlterTableCmd' && String(fields.subtype).startsWith('AT_Drop')),
  )

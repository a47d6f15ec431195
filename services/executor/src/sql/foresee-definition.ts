/** What a statement about tables, columns and rights removes that no second statement brings back. */
import type { ClientBase } from 'pg'
import { countRows } from './affected-rows.ts'
import { foreseeKeys } from './foresee-keys.ts'
import { countOf, type Loss } from './loss.ts'
import { type Fields, listOf, type Named, nameOf, nodeOf, relationOf, type Statement } from './parse-sql.ts'
import { type Relation, relationIn } from './relation.ts'
import { runsConcurrently } from './runs-concurrently.ts'

export async function foreseeDefinition(client: ClientBase, { root }: Statement): Promise<Loss[]> {
  const { type, fields } = root
  switch (type) {
    case 'TruncateStmt':
      return truncated(client, fields)
    case 'DropStmt':
      return dropped(client, fields)
    case 'AlterTableStmt':
      return altered(client, fields)
    case 'DropRoleStmt':
      return [{ of: 'role', text: 'removes a role with its password and memberships' }]
    case 'AlterRoleStmt':
      return [{ of: 'role', text: 'changes a role, whose password nobody can read' }]
    case 'RefreshMatViewStmt': {
      const { name } = relationOf(fields.relation)
      return [{ of: `view ${name}`, text: `replaces the rows of the materialized view ${name}` }]
    }
    case 'AlterEnumStmt':
      return [{ of: 'enum', text: 'adds a value to an enum, which PostgreSQL cannot remove' }]
    case 'AlterSeqStmt':
      return [{ of: 'sequence', text: 'changes a sequence, which others may have advanced by then' }]
    default:
      return []
  }
}

async function truncated(client: ClientBase, fields: Fields): Promise<Loss[]> {
  const losses: Loss[] = []
  for (const item of listOf(fields.relations)) {
    const relation = await relationIn(client, relationOf(nodeOf(item)?.fields ?? {}))
    if (!relation) continue
    const count = await countIn(client, relation)
    losses.push(...(await runsConcurrently(client, relation, 'truncate', { columns: undefined, rows: undefined })))
    if (fields.restart_seqs === true)
      losses.push({ of: `sequences of ${relation.shown}`, text: `restarts the sequences of ${relation.shown}` })
    if (count !== 0)
      losses.push({ of: `truncate ${relation.shown}`, text: `removes all ${countOf(count, relation.shown)}` })
    if (fields.behavior === 'DROP_CASCADE') {
      const rows = { text: `SELECT * FROM ${relation.quoted}`, params: [] }
      losses.push(...(await foreseeKeys(client, relation, 'truncate', { columns: undefined, rows })))
    }
  }
  return losses
}

const countIn = (client: ClientBase, { quoted }: Relation): Promise<number | undefined> =>
  countRows(client, { text: `SELECT 1 FROM ${quoted}`, params: [] })

async function dropped(client: ClientBase, fields: Fields): Promise<Loss[]> {
  const kind = String(fields.removeType).replace('OBJECT_', '').replaceAll('_', ' ').toLowerCase()
  const losses: Loss[] = []
  for (const named of droppedNames(fields)) {
    const relation = await relationIn(client, named)
    const shown = relation?.shown ?? named.name
    if (kind === 'table') {
      if (!relation) continue
      const rows = countOf(await countIn(client, relation), shown)
      losses.push({ of: `table ${shown}`, text: `drops ${rows}, with its indexes, rights and comments` })
    } else if (kind !== 'index')
      losses.push({ of: `${kind} ${shown}`, text: `drops the ${kind} ${shown} with its rights and comments` })
  }
  if (fields.behavior === 'DROP_CASCADE')
    losses.push({ of: 'dependents', text: 'drops all that depends on it (CASCADE)' })
  return losses
}

/** Names in a list each, however deep PostgreSQL keeps it for the kind of object. */
export function droppedNames(fields: Fields): Named[] {
  return listOf(fields.objects).map((object) =>
    nameOf(nodeOf(object)?.fields.items ?? nodeOf(object)?.fields.names ?? [object]),
  )
}

async function altered(client: ClientBase, fields: Fields): Promise<Loss[]> {
  const relation = await relationIn(client, relationOf(fields.relation))
  if (!relation) return []
  const losses: Loss[] = []
  for (const item of listOf(fields.cmds)) {
    const { subtype, name, behavior } = nodeOf(item)?.fields ?? {}
    const of = `${String(name)} of ${relation.shown}`
    if (subtype === 'AT_DropColumn' || subtype === 'AT_AlterColumnType') {
      const count = await countIn(client, relation)
      const does = subtype === 'AT_DropColumn' ? 'drops' : 'converts'
      if (count !== 0)
        losses.push({
          of: `column ${of}`,
          text: `${does} the column ${String(name)} of ${countOf(count, relation.shown)}`,
        })
    }
    if (behavior === 'DROP_CASCADE') losses.push({ of: 'dependents', text: 'drops all that depends on it (CASCADE)' })
  }
  return losses
}

/** What is known of the nodes of a plan whose words are asked about. */
import type { ExecutionId } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import type { Database } from './schema.ts'

export async function readOpenNodes(db: Database, id: ExecutionId): Promise<JsonObject[]> {
  const [row] = await db.query<{ nodes: JsonObject[] }>(
    'orchestrator.open_nodes',
    `select plan->'nodes' as nodes from plans where execution_id = $1 and plan->'nodes' is not null order by number limit 1`,
    [id],
  )
  return row?.nodes ?? []
}

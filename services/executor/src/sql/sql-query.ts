/** sql.query: rows of a database that is only read. Proved by reading again on another connection. */

import { counted } from '@deed/config/counted'
import type { ActionResult } from '@deed/proto/action'
import type { JsonObject } from '@deed/proto/json'
import { z } from 'zod'
import type { Effect, Kind } from '../kind/kind.ts'
import { readingOnly } from '../kind/reading-only.ts'
import { sqlTarget } from './databases.ts'
import { Params } from './exact-json.ts'
import { ROWS_MAX, type Rows, readRows } from './read-only-query.ts'

const Input = z.strictObject({
  target: z.string().min(1).max(256),
  query: z.string().min(1).max(65_536),
  params: Params,
})
export type SqlQuery = z.output<typeof Input>

/** A report travels in one message of at most 1 MB; this leaves room for the rest of it. */
const RESULT_BYTES_MAX = 512 * 1024

export const sqlQuery: Kind<SqlQuery> = {
  ...readingOnly,
  name: 'sql.query',
  version: 1,
  input: Input,
  example: { target: 'inventory', query: 'select type, count(*) from assets group by type', params: [] },
  summary: ({ target }) => `read from ${target}, at most ${ROWS_MAX} rows`,
  async before({ target }, { world }) {
    sqlTarget(world.config.targets, target)
    return { state: 'read' }
  },
  postcondition: () => ({ kind: 'same_again' }),
  async execute({ target, query, params }, { world }) {
    return effectOf(target, await world.databases.pooled(target, (client) => readRows(client, query, params)))
  },
  async again({ target, query, params }, { world }, first) {
    const read = await world.databases.fresh(target, (client) => readRows(client, query, params))
    const facts = { rows: read.rows.length, sha256: read.sha256 }
    if (first.facts?.sha256 === read.sha256)
      return { outcome: 'verified', same: true, observed: `a second connection read the same ${count(read)}`, facts }
    // The data have moved between the two readings. The newer one is what the next read is compared with.
    Object.assign(first, effectOf(target, read))
    return { outcome: 'failed', same: false, observed: `a second connection read ${count(read)}, which differ`, facts }
  },
  environment: ({ target }, { config }) => sqlTarget(config.targets, target).environment,
}

function effectOf(target: string, read: Rows): Effect {
  return {
    claimed: `read ${count(read)} from ${target}`,
    result: resultOf(read, count(read)),
    facts: { rows: read.rows.length, sha256: read.sha256 },
  }
}

/** As many rows as fit in a message. @param facts of the result, besides */
export function resultOf({ columns, rows }: Rows, all: string, facts: JsonObject = {}): ActionResult {
  let bytes = 0
  const shown = rows.filter((row) => {
    bytes += JSON.stringify(row).length
    return bytes <= RESULT_BYTES_MAX
  })
  const truncated = shown.length < rows.length
  return {
    text: truncated ? `${all}, of which ${shown.length} are shown` : all,
    data: { columns, rows: shown, row_count: rows.length, truncated, ...facts },
  }
}

const count = ({ rows }: Pick<Rows, 'rows'>) => counted(rows.length, 'row')

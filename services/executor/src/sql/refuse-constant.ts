/** A proof that reads nothing of the database gives the same whatever was done. */
import { DeedError } from '@deed/proto/errors'
import type { ClientBase } from 'pg'
import type { Reading } from './read-only-query.ts'

/** Functions that PostgreSQL does not call immutable and that read nothing of the tables or the catalogue. */
const OF_THE_SESSION =
  'now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|random|gen_random_uuid|version|current_\\w+|pg_sleep\\w*|pg_backend_pid|inet_\\w+'

/** @param path of the query in the request. @throws {DeedError} `invalid_request` */
export async function refuseConstant(client: ClientBase, { statement }: Reading, path: string): Promise<void> {
  const { root, nodes, calls, relations } = statement
  if (root.type !== 'SelectStmt' || relations.length > 0) return
  // 'assets'::regclass looks the name up.
  if (nodes.some(({ type, fields }) => type === 'TypeName' && /"sval":"reg\w+"/.test(JSON.stringify(fields)))) return
  if (calls.length > 0) {
    const { rows } = await client.query<{ reads: boolean }>(
      `select exists (select from unnest($1::text[], $2::int[]) as call (name, args)
          where name !~ $3 and not exists (select from pg_catalog.pg_proc
            where proname = name and pronargs = args and provolatile = 'i')) as reads`,
      [calls.map(({ name }) => name), calls.map(({ args }) => args), `^(?:${OF_THE_SESSION})$`],
    )
    if (rows[0]?.reads) return
  }
  throw new DeedError(
    'invalid_request',
    'the query reads nothing of the database, so it gives the same whatever was done; read what the statement changes',
    { path },
  )
}

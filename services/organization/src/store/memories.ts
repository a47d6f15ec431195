/** Memories of the roles, found by their words and tags. */
import type { OrganizationRole } from '@deed/proto/organization'
import type { Memory } from '@deed/proto/organization-notes'
import type { Db } from './decisions.ts'

/** @returns whether another content was there */
export async function writeMemory(
  db: Db,
  tenant: string,
  memory: { role: OrganizationRole; key: string; content: string; tags: readonly string[]; from: string | undefined },
): Promise<boolean> {
  const rows = await db.query<{ replaced: boolean }>(
    'write-memory',
    `insert into memories (tenant, role, key, content, tags, origin) values ($1, $2, $3, $4, $5, $6)
     on conflict (tenant, role, key) do update set content = excluded.content, tags = excluded.tags,
       origin = excluded.origin, written_at = now()
     returning xmax <> 0 as replaced`,
    [tenant, memory.role, memory.key, memory.content, memory.tags, memory.from ?? null],
  )
  return rows[0]?.replaced ?? false
}

export function findMemories(
  db: Db,
  tenant: string,
  asked: { query: string; tags: readonly string[]; by?: OrganizationRole | undefined; limit: number },
): Promise<Memory[]> {
  return db.query<Memory>(
    'find-memories',
    `select key, content, tags, role as by, origin as "from",
            to_char(written_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
     from memories, websearch_to_tsquery('simple', $2) as q
     where tenant = $1 and ($2 = '' or words @@ q) and tags @> $3::text[] and ($4::text is null or role = $4)
     order by case when $2 = '' then 0 else ts_rank(words, q) end desc, written_at desc limit $5`,
    [tenant, asked.query.trim(), asked.tags, asked.by ?? null, asked.limit],
  )
}

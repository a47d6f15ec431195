/** The sentences that each tenant taught, in PostgreSQL. */
import type { ExecutionId } from '@deed/proto/ids'
import type { LearnedStage } from '@deed/proto/rules'
import { intervalOf } from '@deed/proto/trust'
import type { Store } from '@deed/store/database'
import { LearnedSentence } from './learned-sentence.ts'

type Database = Pick<Store<unknown>, 'query'>

/** More are not kept: the one that was not used for the longest time goes first. */
export const SENTENCES_MAX = 500

export interface LearnedRow extends LearnedSentence {
  execution_id: ExecutionId
  learned_by: string
  learned_at: string
  used_at: string | null
  uses: number
  stage: LearnedStage
  proven: number
  failed: number
}

/** Of the lower bound of the share of proven plans: three of three, or five of six. */
const TRUSTED_LOW_MIN = 0.43
/** A failure leaves no more proof than this, however often the plan was proven before. */
const PROVEN_MAX_AFTER_FAILURE = 3

function stageOf({ source, proven, failed }: Pick<LearnedRow, 'source' | 'proven' | 'failed'>): LearnedStage {
  if (source === 'choice' || intervalOf(proven, failed).low >= TRUSTED_LOW_MIN) return 'trusted'
  if (failed > 0) return 'demoted'
  return proven > 1 ? 'shadow' : 'candidate'
}

const COLUMNS = 'id, words, sentence, said, fixed, meaning, reading, source'

const ISO = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`

/** Newest first. A row that this release cannot read is left out. */
export async function readLearned(db: Database, tenant: string): Promise<LearnedRow[]> {
  const rows = await db.query<Omit<LearnedRow, 'stage'>>(
    'hybrid_agent.learned',
    `select ${COLUMNS}, execution_id, learned_by, uses, proven, failed,
            to_char(learned_at at time zone 'utc', ${ISO}) as learned_at,
            to_char(used_at at time zone 'utc', ${ISO}) as used_at
       from learned_sentences where tenant = $1 order by learned_sentences.learned_at desc, id`,
    [tenant],
  )
  return rows.flatMap((row) => {
    const { data } = LearnedSentence.safeParse(row)
    return data === undefined ? [] : [{ ...row, ...data, stage: stageOf(row) }]
  })
}

/** A sentence that is known already means what was proven last; the same plan again, of another execution, proves it once more. */
export async function putLearned(
  db: Database,
  {
    tenant,
    user,
    executionId,
    learned,
  }: { tenant: string; user: string; executionId: ExecutionId; learned: LearnedSentence },
): Promise<void> {
  const { id, words, sentence, said, fixed, meaning, reading, source } = learned
  await db.query(
    'hybrid_agent.learn',
    `with kept as (
       insert into learned_sentences (tenant, ${COLUMNS}, execution_id, learned_by)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       on conflict (tenant, id) do update set words = excluded.words, said = excluded.said, fixed = excluded.fixed,
         meaning = excluded.meaning, reading = excluded.reading, source = excluded.source,
         execution_id = excluded.execution_id, learned_by = excluded.learned_by, learned_at = now(),
         proven = case when learned_sentences.meaning <> excluded.meaning then 1
                       when learned_sentences.execution_id = excluded.execution_id then learned_sentences.proven
                       else learned_sentences.proven + 1 end
       returning id
     )
     delete from learned_sentences where tenant = $1 and id in (
       select l.id from learned_sentences l where l.tenant = $1 and l.id <> $2
        order by coalesce(l.used_at, l.learned_at) desc offset ${SENTENCES_MAX - 1})`,
    [
      ...[tenant, id, words, sentence, said, JSON.stringify(fixed), JSON.stringify(meaning), reading, source],
      ...[executionId, user],
    ],
  )
}

/** What a model planned is trusted less, and what a person chose is forgotten. @returns how many there were */
export async function disproveLearned(
  db: Database,
  tenant: string,
  { ids, executionId }: { ids: readonly string[]; executionId: ExecutionId },
): Promise<number> {
  const rows = await db.query(
    'hybrid_agent.disprove',
    `with demoted as (
       update learned_sentences set failed = failed + 1, failed_by = $3,
              proven = least(proven, ${PROVEN_MAX_AFTER_FAILURE})
        where tenant = $1 and id = any($2) and source = 'model' and failed_by is distinct from $3
       returning 1
     ), forgotten as (
       delete from learned_sentences where tenant = $1 and id = any($2) and source = 'choice' returning 1
     )
     select 1 from demoted union all select 1 from forgotten`,
    [tenant, ids, executionId],
  )
  return rows.length
}

/** @param ids undefined for all of the tenant @returns how many there were */
export async function deleteLearned(db: Database, tenant: string, ids: readonly string[] | undefined): Promise<number> {
  const rows = await db.query(
    'hybrid_agent.forget',
    `delete from learned_sentences where tenant = $1 and ($2::text[] is null or id = any($2)) returning 1`,
    [tenant, ids ?? null],
  )
  return rows.length
}

/** @param used how often each sentence was used since the last time */
export async function countUses(
  db: Database,
  used: readonly { tenant: string; id: string; uses: number }[],
): Promise<void> {
  await db.query(
    'hybrid_agent.count_uses',
    `update learned_sentences l set uses = l.uses + u.uses, used_at = now()
       from jsonb_to_recordset($1) as u(tenant text, id text, uses integer)
      where l.tenant = u.tenant and l.id = u.id`,
    [JSON.stringify(used)],
  )
}

/** Outcomes of template uses, each stored once, and the scores that are learned from them. */
import type { TemplateDay } from '@deed/proto/template'
import { inTransaction, type Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import { learn, type Outcome, type Score } from '../templates/score.ts'

export interface TemplateUse extends Outcome {
  readonly tenant: string
  readonly executionId: string
  readonly templateId: string
  readonly templateVersion: number
  readonly taskType: string
}

export interface ScoreRow extends Score {
  readonly tenant: string
  readonly templateId: string
  readonly templateVersion: number
}

const SCORE_COLUMNS = `tenant, template_id AS "templateId", template_version AS "templateVersion",
  usage_count AS "usageCount", good, bad, extract(epoch FROM evidence_at)::float8 * 1000 AS "evidenceAt",
  success_rate AS "successRate", average_ms AS "averageMs", quality, recent_reward AS "recentReward",
  extract(epoch FROM last_used_at)::float8 * 1000 AS "lastUsedAt"`

/**
 * Records outcomes and learns from the new ones: an execution counts once per template, however often it is reported.
 * One transaction for all of them; scores are locked in key order, so replicas cannot deadlock.
 *
 * @returns the resulting score of each use
 */
export async function recordUses(store: Store<unknown>, log: Log, uses: readonly TemplateUse[]): Promise<ScoreRow[]> {
  const scores = await inTransaction(store, log, async (client) => {
    const { rows: added } = await client.query<{ n: number }>({
      name: 'record-outcomes',
      text: `WITH given AS (
               SELECT * FROM jsonb_to_recordset($1::jsonb) AS u (
                 n integer, tenant text, "executionId" uuid, "templateId" text, "templateVersion" integer, "taskType" text,
                 success boolean, "timeMs" float8, quality float8, "costMicrousd" bigint)
             ), first AS (
               SELECT DISTINCT ON (tenant, "executionId", "templateId", "templateVersion") * FROM given
               ORDER BY tenant, "executionId", "templateId", "templateVersion", n
             ), added AS (
               INSERT INTO template_outcomes (tenant, execution_id, template_id, template_version, task_type, success,
                 time_ms, quality, cost_microusd)
               SELECT tenant, "executionId", "templateId", "templateVersion", "taskType", success, "timeMs", quality,
                 "costMicrousd" FROM first
               ON CONFLICT DO NOTHING
               RETURNING tenant, execution_id, template_id, template_version
             )
             SELECT n FROM first JOIN added ON added.tenant = first.tenant AND execution_id = "executionId"
               AND template_id = "templateId" AND template_version = "templateVersion"
             ORDER BY n`,
      values: [
        JSON.stringify(uses.map((use, n) => ({ ...use, n, costMicrousd: Math.round(use.costUsd * 1_000_000) }))),
      ],
    })
    const templates = [...new Map(uses.map((use) => [scoreKey(use), use])).values()]
    const named = JSON.stringify(
      templates.map(({ tenant, templateId, templateVersion }) => ({ tenant, templateId, templateVersion })),
    )
    // A row must exist before it can be locked; a use count of 0 marks a placeholder.
    await client.query({
      name: 'prepare-scores',
      text: `INSERT INTO template_scores
             SELECT tenant, "templateId", "templateVersion", 0, 0, 0, now(), 0, 0, NULL, 0, now(), now()
             FROM jsonb_to_recordset($1::jsonb) AS t (tenant text, "templateId" text, "templateVersion" integer)
             ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING`,
      values: [named],
    })
    const { rows: before } = await client.query<ScoreRow & { now: number }>({
      name: 'lock-scores',
      text: `SELECT ${SCORE_COLUMNS}, extract(epoch FROM clock_timestamp())::float8 * 1000 AS now
             FROM template_scores JOIN jsonb_to_recordset($1::jsonb)
               AS t (tenant text, "templateId" text, "templateVersion" integer) USING (tenant)
             WHERE template_id = t."templateId" AND template_version = t."templateVersion"
             ORDER BY tenant, template_id, template_version FOR UPDATE OF template_scores`,
      values: [named],
    })
    const learned = new Map<string, ScoreRow & { now: number }>(before.map((row) => [scoreKey(row), row]))
    for (const { n } of added) {
      const use = uses[n]
      const row = use && learned.get(scoreKey(use))
      if (use && row)
        learned.set(scoreKey(use), { ...row, ...learn(row.usageCount === 0 ? undefined : row, use, row.now) })
    }
    await client.query({
      name: 'write-scores',
      text: `UPDATE template_scores s SET usage_count = t."usageCount", good = t.good, bad = t.bad,
               evidence_at = to_timestamp(t."evidenceAt" / 1000), success_rate = t."successRate",
               average_ms = t."averageMs", quality = t.quality, recent_reward = t."recentReward",
               last_used_at = to_timestamp(t."lastUsedAt" / 1000), changed_at = clock_timestamp()
             FROM jsonb_to_recordset($1::jsonb) AS t (tenant text, "templateId" text, "templateVersion" integer,
               "usageCount" integer, good float8, bad float8, "evidenceAt" float8, "successRate" float8,
               "averageMs" float8, quality float8, "recentReward" float8, "lastUsedAt" float8)
             WHERE s.tenant = t.tenant AND s.template_id = t."templateId" AND s.template_version = t."templateVersion"
               AND s.usage_count <> t."usageCount"`,
      values: [JSON.stringify([...learned.values()])],
    })
    return learned
  })
  return uses.map((use) => {
    const row = scores.get(scoreKey(use))
    if (row === undefined) throw new Error(`the score of ${use.templateId} was not locked`)
    return row
  })
}

/** Scores that changed since a time of the database's clock, with the current time of that clock if there are any. */
export async function scoresSince(
  store: Pick<Store<unknown>, 'query'>,
  sinceMs: number,
): Promise<{ rows: ScoreRow[]; databaseMs: number }> {
  const rows = await store.query<ScoreRow & { databaseMs: number }>(
    'scores-since',
    `SELECT ${SCORE_COLUMNS}, extract(epoch FROM now())::float8 * 1000 AS "databaseMs" FROM template_scores
     WHERE changed_at > to_timestamp($1::float8 / 1000) AND usage_count > 0`,
    [sinceMs],
  )
  return { rows, databaseMs: rows[0]?.databaseMs ?? sinceMs }
}

export function scoreKey({ tenant, templateId, templateVersion }: Omit<ScoreRow, keyof Score>): string {
  return `${tenant} ${templateId} ${templateVersion}`
}

/** By day (UTC) and version, oldest first. @param days up to today */
export async function readTemplateDays(
  store: Pick<Store<unknown>, 'query'>,
  tenant: string,
  { id, days }: { id: string; days: number },
): Promise<TemplateDay[]> {
  const rows = await store.query<Omit<TemplateDay, 'cost_usd'> & { microusd: number }>(
    'template-days',
    `SELECT to_char(recorded_at AT TIME ZONE 'utc', 'YYYY-MM-DD') AS day, template_version AS version,
            count(*)::int AS uses, (count(*) FILTER (WHERE success))::int AS successes, avg(time_ms) AS average_ms,
            avg(quality) AS quality, sum(cost_microusd)::float8 AS microusd
     FROM template_outcomes
     WHERE tenant = $1 AND template_id = $2
       AND recorded_at >= date_trunc('day', now(), 'UTC') - make_interval(days => $3::int - 1)
     GROUP BY 1, 2 ORDER BY 1, 2`,
    [tenant, id, days],
  )
  return rows.map(({ microusd, ...row }) => ({ ...row, cost_usd: microusd / 1_000_000 }))
}

/** The outcomes of the last days (UTC) over all templates of a tenant, oldest first; days without a use are left out. */
export async function readDays(
  store: Pick<Store<unknown>, 'query'>,
  tenant: string,
  days: number,
): Promise<{ day: number; uses: number; quality: number }[]> {
  return store.query(
    'outcome-days',
    `SELECT (recorded_at AT TIME ZONE 'utc')::date - (now() AT TIME ZONE 'utc')::date + $2::int - 1 AS day,
            count(*)::int AS uses, avg(CASE WHEN success THEN coalesce(quality, 1) ELSE 0 END) AS quality
     FROM template_outcomes
     WHERE tenant = $1 AND recorded_at >= date_trunc('day', now(), 'UTC') - make_interval(days => $2::int - 1)
     GROUP BY 1 ORDER BY 1`,
    [tenant, days],
  )
}

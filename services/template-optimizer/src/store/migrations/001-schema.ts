/** Versions of templates, the outcomes of their use, and the learned scores. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE templates (
      -- '*': of every tenant
      tenant text NOT NULL DEFAULT 'local',
      id text NOT NULL,
      version integer NOT NULL CHECK (version >= 1),
      -- The file: front matter and body.
      text text NOT NULL,
      stored_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, id, version)
    )`.execute(db)
  await sql`
    CREATE TABLE template_outcomes (
      tenant text NOT NULL DEFAULT 'local',
      execution_id uuid NOT NULL,
      template_id text NOT NULL,
      template_version integer NOT NULL,
      task_type text NOT NULL,
      success boolean NOT NULL,
      time_ms double precision NOT NULL CHECK (time_ms >= 0),
      quality double precision CHECK (quality BETWEEN 0 AND 1),
      cost_microusd bigint NOT NULL CHECK (cost_microusd >= 0),
      recorded_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, execution_id, template_id, template_version)
    )`.execute(db)
  await sql`
    CREATE TABLE template_scores (
      tenant text NOT NULL DEFAULT 'local',
      template_id text NOT NULL,
      template_version integer NOT NULL,
      usage_count integer NOT NULL,
      good double precision NOT NULL CHECK (good >= 0),
      bad double precision NOT NULL CHECK (bad >= 0),
      evidence_at timestamptz NOT NULL,
      success_rate double precision NOT NULL CHECK (success_rate BETWEEN 0 AND 1),
      average_ms double precision NOT NULL CHECK (average_ms >= 0),
      quality double precision CHECK (quality BETWEEN 0 AND 1),
      recent_reward double precision NOT NULL CHECK (recent_reward BETWEEN 0 AND 1),
      last_used_at timestamptz NOT NULL,
      changed_at timestamptz NOT NULL,
      PRIMARY KEY (tenant, template_id, template_version)
    )`.execute(db)
  // Outcomes are removed by their age.
  await sql`CREATE INDEX template_outcomes_recorded_at ON template_outcomes (recorded_at)`.execute(db)
  await sql`CREATE INDEX template_outcomes_of ON template_outcomes (tenant, template_id, recorded_at)`.execute(db)
  await sql`CREATE INDEX template_scores_changed_at ON template_scores (changed_at)`.execute(db)
}

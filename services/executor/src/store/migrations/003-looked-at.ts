/** When an action looked at what was there before it: from then on, what others change is not its own. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table actions add column looked_at timestamptz not null default clock_timestamp()`.execute(db)
  await sql`update actions set looked_at = least(intent_at, (select min(t.intent_at) from attempts t
    where t.tenant = actions.tenant and t.action_id = actions.action_id))`.execute(db)
}

/** What the organization decided about targets and the order of work, read in its views. */
import type { Database } from './schema.ts'

/** No such schema, no such view, no right to it: then nothing is decided. */
const NOT_THERE = new Set(['3F000', '42P01', '42501'])
/** The maximum number of executions whose order is read. */
const ORDER_MAX = 10_000

export interface Hold {
  readonly tenant: string
  readonly target: string
  readonly held_by: string
  readonly reason: string
  readonly until: string
}

export interface Decided {
  readonly holds: readonly Hold[]
  /** Executions that have not ended, in the order of the backlog. */
  readonly order: readonly { readonly tenant: string; readonly execution_id: string }[]
}

type Db = Pick<Database, 'query'>

const HOLD = `tenant, target, held_by, reason,
  to_char(valid_until at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as until`

export async function readDecided(db: Db): Promise<Decided> {
  const [row] = await ifThere<Decided>(
    db.query(
      'orchestrator.decided',
      `select coalesce((select jsonb_agg(h) from (select ${HOLD} from organization.held) as h), '[]') as holds,
              coalesce((select jsonb_agg(jsonb_build_object('tenant', tenant, 'execution_id', execution_id)
                  order by tenant, rank, place)
                from (select o.* from organization.work_order o join executions e on e.execution_id = o.execution_id
                      where e.tenant = o.tenant and e.finished_at is null
                      order by o.tenant, o.rank, o.place limit ${ORDER_MAX}) as o), '[]') as "order"`,
      [],
    ),
  )
  return row ?? { holds: [], order: [] }
}

/** @returns a hold of one of the targets that lasts now, by the database's clock */
export const holdIn =
  (db: Db) =>
  async (tenant: string, targets: readonly string[]): Promise<Hold | undefined> => {
    if (targets.length === 0) return undefined
    const [row] = await ifThere<Hold>(
      db.query(
        'orchestrator.hold',
        `select ${HOLD} from organization.held where tenant = $1 and target = any($2) order by target limit 1`,
        [tenant, targets],
      ),
    )
    return row
  }

const ifThere = <Row>(rows: Promise<Row[]>): Promise<Row[]> =>
  rows.catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && NOT_THERE.has(String(error.code))) return []
    throw error
  })

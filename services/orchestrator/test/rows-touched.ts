/** What statements cost, whatever the machine: the rows that PostgreSQL touches for them. */
import type { Database } from '../src/store/schema.ts'

interface Node {
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Join Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: Node[]
}

export interface Counting {
  /** The same database; each of its statements is counted. */
  db: Database
  /** So far, at each step of the plans. */
  touched(): number
}

/** Plans are those of the service: the settings of its pool are in force. */
export function counting(db: Database): Counting {
  let touched = 0
  return {
    touched: () => touched,
    db: {
      ...db,
      async query<Row extends object>(name: string, text: string, values: readonly unknown[]): Promise<Row[]> {
        const { rows } = await db.pool.query(`explain (analyze, timing off, format json) ${text}`, [...values])
        touched += rowsOf(rows[0]['QUERY PLAN'][0].Plan)
        return db.query<Row>(name, text, values)
      },
    },
  }
}

function rowsOf(node: Node): number {
  const removed =
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Join Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0)
  const below = (node.Plans ?? []).reduce((sum, one) => sum + rowsOf(one), 0)
  return (node['Actual Rows'] + removed) * node['Actual Loops'] + below
}

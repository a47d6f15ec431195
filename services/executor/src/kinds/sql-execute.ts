/**
 * sql.execute: one statement that changes data, together with the query that proves it. It cannot be undone, unless the
 * action brings the statement that takes it back, with a proof of its own.
 */
import type { ActionResult } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { Json } from '@deed/proto/json'
import { z } from 'zod'
import type { Seen } from '../seen.ts'
import { sqlTarget } from '../sql/databases.ts'
import { judgeRows } from '../sql/observe-sql.ts'
import type { Rows } from '../sql/read-only-query.ts'
import { readSettled, refuseNotWriting, removes, type Written, writeStatement } from '../sql/write-statement.ts'
import type { Before, Context, Kind } from './kind.ts'

const Statement = z.string().min(1).max(65_536)
const Params = z.array(Json).max(100).default([])

/** One SELECT, and what it must give. */
const Proof = z
  .strictObject({
    query: Statement,
    params: Params,
    /** The first column of the first row. */
    equals: Json.optional(),
    rows_min: z.int().min(0).optional(),
  })
  .refine(({ equals, rows_min }) => equals !== undefined || rows_min !== undefined, 'needs equals or rows_min')
type Proof = z.output<typeof Proof>

const Input = z.strictObject({
  target: z.string().min(1).max(256),
  statement: Statement,
  params: Params,
  /** What holds afterwards. It is read inside the transaction, before the commit, and again on another connection. */
  verify: Proof,
  /** What takes it back, and what holds then; that must hold now, too. */
  undo: z.strictObject({ statement: Statement, params: Params, verify: Proof }).optional(),
})
export type SqlExecute = z.output<typeof Input>

export type ExecuteBefore = Before & {
  /** What the proof's query read, as a hash. */
  reading: string
}

export type ExecuteAfter = { reading: string }

export const sqlExecute: Kind<SqlExecute, ExecuteBefore, ExecuteAfter> = {
  name: 'sql.execute',
  version: 1,
  input: Input,
  idempotent: false,
  example: {
    target: 'inventory',
    statement: 'insert into assets (id, type) values ($1, $2)',
    params: [7, 'desk'],
    verify: { query: 'select count(*) from assets where id = $1', params: [7], equals: 1 },
    undo: {
      statement: 'delete from assets where id = $1',
      params: [7],
      verify: { query: 'select count(*) from assets where id = $1', params: [7], equals: 0 },
    },
  },
  effectOf: ({ statement }) => (removes(statement) ? 'delete' : 'change'),
  summary: ({ target, statement }) => `run on ${target}: ${statement}`,
  async before(input, context) {
    const { target, statement, verify, undo } = input
    sqlTarget(context.world.config.targets, target)
    refuseNotWriting(statement, '$.input.statement')
    if (undo) refuseNotWriting(undo.statement, '$.input.undo.statement')
    const [reading, asUndone] = await readProofs(input, context)
    if (undo && asUndone && !holds(undo.verify, target, asUndone) && !holds(verify, target, reading))
      throw new DeedError(
        'precondition_failed',
        'what must hold after the undo does not hold now, so an undo could never be proven; change undo.verify',
        { path: '$.input.undo.verify' },
      )
    return { state: `rows:${reading.sha256}`, reading: reading.sha256 }
  },
  reversibility: ({ undo }) => (undo ? 'compensable' : 'irreversible'),
  postcondition: ({ target, verify: { query, params, equals, rows_min } }) => ({
    kind: 'sql',
    target,
    query,
    params,
    ...(equals === undefined ? {} : { equals }),
    ...(rows_min === undefined ? {} : { rows_min }),
  }),
  async execute(input, context) {
    const written = await write(input, input.verify, input.target, context)
    return {
      claimed: `${sentence(written)} on ${input.target}`,
      result: resultOf(written),
      after: { reading: written.rows.sha256 },
      facts: { rows_changed: written.rowCount },
    }
  },
  async compensate({ target, undo }, context) {
    if (!undo) throw new DeedError('not_undoable', 'the action brings no statement that takes it back')
    return `${sentence(await write(undo, undo.verify, target, context))} on ${target}`
  },
  async standing(input, context, before, after) {
    const { target, verify, undo } = input
    const [reading, asUndone] = await readProofs(input, context)
    const observed = `the query of verify gave ${reading.rows.length} rows`
    const facts = { sha256: reading.sha256 }
    if (undo && asUndone ? holds(undo.verify, target, asUndone) : isUntouched(input, reading, before))
      return { at: 'before', observed, facts }
    if (holds(verify, target, reading)) return { at: 'after', observed, facts }
    return { at: after ? 'elsewhere' : 'unknown', observed: `${observed}, which fit neither before nor after`, facts }
  },
  environment: ({ target }, { config }) => sqlTarget(config.targets, target).environment,
}

/** Without a statement that undoes it, only a reading that is the same and does not hold shows that nothing was done. */
const isUntouched = ({ target, verify }: SqlExecute, reading: Rows, before: ExecuteBefore): boolean =>
  reading.sha256 === before.reading && !holds(verify, target, reading)

const judge = (proof: Proof, target: string, rows: Rows): Seen =>
  judgeRows({ target, ...(proof.equals === undefined ? {} : { equals: proof.equals }), rows_min: proof.rows_min }, rows)

const holds = (proof: Proof, target: string, rows: Rows): boolean => judge(proof, target, rows).outcome === 'verified'

async function readProofs(
  { target, verify, undo }: SqlExecute,
  { world, actionId }: Context,
): Promise<[reading: Rows, asUndone: Rows | undefined]> {
  const proofs = undo ? [verify, undo.verify] : [verify]
  const [reading, asUndone] = await world.databases.fresh(target, (client) =>
    readSettled(client, lockOf(actionId), proofs),
  )
  return [reading!, asUndone]
}

const lockOf = (actionId: string) => `deed:${actionId}`

function write(
  { statement, params }: { statement: string; params: readonly Json[] },
  proof: Proof,
  target: string,
  context: Context,
): Promise<Written> {
  return context.world.databases.fresh(target, (client) => {
    context.begin()
    return writeStatement(client, {
      statement,
      params,
      proof,
      judge: (rows) => judge(proof, target, rows),
      timeoutMs: context.action.timeout_ms,
      lock: lockOf(context.actionId),
      beforeCommit: context.begin,
      nothingDone: context.nothingDone,
    })
  })
}

const sentence = ({ command, rowCount }: Written) => `${command} changed ${rowCount} ${rowCount === 1 ? 'row' : 'rows'}`

/** A report travels in one message of at most 1 MB. */
const RETURNED_BYTES_MAX = 256 * 1024

function resultOf(written: Written): ActionResult {
  const { command, rowCount, returned } = written
  const fits = JSON.stringify(returned).length <= RETURNED_BYTES_MAX
  return {
    text: sentence(written),
    data: { command, rows_changed: rowCount, returned: fits ? returned : [], truncated: !fits },
  }
}

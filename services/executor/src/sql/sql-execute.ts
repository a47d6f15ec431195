/**
 * sql.execute: one statement that changes data, together with the query that proves it. It cannot be undone, unless the
 * action brings the statement that takes it back, with a proof of its own.
 */
import { counted } from '@deed/config/counted'
import { sha256 } from '@deed/json/canonical-json'
import type { ActionResult } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { defined, type Json } from '@deed/proto/json'
import type { ClientBase } from 'pg'
import { z } from 'zod'
import { type Before, type Context, type Kind, OBSERVE_ONLY } from '../kind/kind.ts'
import type { Seen } from '../kind/seen.ts'
import { affectedRows, imageOf } from './affected-rows.ts'
import { sqlTarget } from './databases.ts'
import { ExactJson, Params } from './exact-json.ts'
import { foresee } from './foresee.ts'
import { judgeCalls } from './judge-calls.ts'
import { CHANGING, parseWriting, removes } from './judge-writing.ts'
import { leftToDo } from './left-to-do.ts'
import { judgeRows } from './observe-sql.ts'
import type { Statement as Parsed } from './parse-sql.ts'
import { fetchRows, parseReading, type Reading, type Rows } from './read-only-query.ts'
import { refuseConstant } from './refuse-constant.ts'
import { refuseWhatCannotRun } from './refuse-what-cannot-run.ts'
import { tryWithin } from './savepoint.ts'
import { readAfterLock, type Write, type Written, writeStatement } from './write-statement.ts'

const Statement = z.string().min(1).max(65_536)

/** One SELECT, and what it must give. */
const Proof = z
  .strictObject({
    query: Statement,
    params: Params,
    /** The first column of the first row. */
    equals: ExactJson.optional(),
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
  effect: 'change' | 'delete'
  /** What the undo would not bring back, each as a verb with its object. */
  lost?: string[]
  /** None of it is data. */
  lost_is_small?: true
  /** A hash over the rows that the statement changes, where a query can say which they are. */
  image?: string
  /** What is left to do where the proof holds already, in words. */
  left?: string
}

export type ExecuteAfter = { reading: string; rows_changed: number }

export const sqlExecute: Kind<SqlExecute, ExecuteBefore, ExecuteAfter> = {
  name: 'sql.execute',
  version: 1,
  input: Input,
  idempotent: false,
  takesProof: true,
  provesBesides: true,
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
  effectOf: (_, __, before) => before?.effect ?? 'change',
  summary: ({ target, statement, undo }, before) => {
    const said = `run on ${target}: ${statement.slice(0, STATEMENT_SAID_MAX)}`
    if (before?.lost === undefined) return said
    return `${said}; it ${listed(before.lost)}, which ${undo ? 'the undo does not bring back' : 'cannot be undone'}`
  },
  async before(input, context) {
    const { target, verify, undo } = input
    sqlTarget(context.world.config.targets, target)
    const parsed = await parsedOf(input)
    return context.world.databases.fresh(target, (client) =>
      readAfterLock(
        client,
        lockOf(context.actionId),
        async () => {
          const judged = await judgeCalls(client, parsed.statement, {
            code: 'invalid_request',
            reads: false,
            path: STATEMENT_PATH,
          })
          const effect = removes(parsed.statement) ? 'delete' : 'change'
          const made = context.earlier?.some(({ kind, input: its }) => kind === 'sql.execute' && its.target === target)
          // What an earlier step of the plan makes is not there yet.
          const proofs = await (made ? tryWithin(client, () => readProofs(client, parsed)) : readProofs(client, parsed))
          if (!proofs)
            return {
              state: 'not there yet',
              reading: '',
              effect,
              lost: ['changes what an earlier step of the plan makes'],
            }
          const [reading, asUndone] = proofs
          await refuseConstant(client, parsed.verify, '$.input.verify.query')
          if (parsed.undoVerify) await refuseConstant(client, parsed.undoVerify, '$.input.undo.verify.query')
          const held = holds(verify, target, reading)
          const left = held ? await leftToDo(client, parsed.statement, input.params, parsed.verify) : undefined
          const { already_so: wish } = context.action
          // Nothing runs where it is so already.
          const nothingRuns = held && (wish === 'skip' || (wish === undefined && left === undefined))
          if (!made && !nothingRuns) {
            const { statement: text, params } = input
            await refuseWhatCannotRun(client, { text, statement: parsed.statement, params, path: STATEMENT_PATH })
            if (undo && parsed.undo) await refuseUndoThatCannotRun(client, undo, parsed.undo, parsed.statement)
          }
          if (undo && asUndone && !holds(undo.verify, target, asUndone) && !held)
            throw new DeedError(
              'precondition_failed',
              'what must hold after the undo does not hold now, so an undo could never be proven; change undo.verify',
              { path: '$.input.undo.verify' },
            )
          const losses = await foresee(client, parsed.statement, input.params, { ...judged, undo: parsed.undo })
          const image = undo && (await imageBy(client, input, parsed.statement))
          // Figures move while somebody decides; what they are of does not.
          const seal = losses.length === 0 ? '' : `;lost:${sha256(losses.map(({ of }) => of).join('\n')).slice(0, 16)}`
          return {
            state: `rows:${reading.sha256}${seal}`,
            reading: reading.sha256,
            effect,
            ...(losses.length === 0 ? {} : { lost: losses.map(({ text }) => text) }),
            ...(losses.length > 0 && losses.every(({ small }) => small) ? { lost_is_small: true as const } : {}),
            ...defined({ image, left }),
          }
        },
        readMs(context),
      ),
    )
  },
  reversibility: ({ undo }, { lost, lost_is_small }) =>
    undo && (lost === undefined || lost_is_small) ? 'compensable' : 'irreversible',
  nothingLeft: (_, { left }) => left === undefined,
  postcondition: ({ target, verify: { query, params, equals, rows_min } }) => ({
    kind: 'sql',
    target,
    query,
    params,
    ...defined({ equals, rows_min }),
  }),
  async execute(input, context, { held, reading, left }) {
    const { statement, verify } = await parsedOf(input)
    const written = await write({ ...input, parsed: statement, proof: verify }, context, async (_, rowCount, rows) => {
      // A proof that held must at least see the change.
      const changes = left !== undefined || rowCount > 0 || !changesRows(statement)
      if (held && changes && rows.sha256 === reading)
        throw new DeedError(
          'verification_failed',
          `not committed, since the proof held before and reads the same afterwards, so it shows nothing${left === undefined ? '' : ` of the statement, which would ${left}`}; read what the statement changes`,
          { path: '$.input.verify.query' },
        )
    })
    return {
      claimed: `${sentence(written)} on ${input.target}`,
      result: resultOf(written),
      after: { reading: written.rows.sha256, rows_changed: written.rowCount },
      facts: { rows_changed: written.rowCount },
    }
  },
  async compensate(input, context, before, after) {
    const { target, undo } = input
    const parsed = await parsedOf(input)
    if (!undo || !parsed.undo || !parsed.undoVerify)
      throw new DeedError('not_undoable', 'the action brings no statement that takes it back')
    const written = await write(
      { ...undo, target, parsed: parsed.undo, proof: parsed.undoVerify },
      context,
      async (client, rowCount) => {
        if (after && changesRows(parsed.undo) && changesRows(parsed.statement) && rowCount > after.rows_changed)
          throw new DeedError(
            'verification_failed',
            `not committed, since the undo changes ${countOf(rowCount)} where the action has changed ${after.rows_changed}`,
          )
        const image = before.image && (await imageBy(client, input, parsed.statement))
        if (image !== before.image) throw new DeedError('verification_failed', `not committed, since ${NOT_AS_BEFORE}`)
      },
    )
    return `${sentence(written)} on ${target}`
  },
  async targetState(input, context, before, after) {
    const { target, verify, undo } = input
    const parsed = await parsedOf(input)
    const [reading, asUndone, image] = await context.world.databases.fresh(target, (client) =>
      readAfterLock(
        client,
        lockOf(context.actionId),
        async () =>
          [
            ...(await readProofs(client, parsed)),
            before.image && (await imageBy(client, input, parsed.statement)),
          ] as const,
        readMs(context),
      ),
    )
    const observed = `the query of verify gave ${countOf(reading.rows.length)}`
    const facts = { sha256: reading.sha256, ...(image ? { rows_as_before: image === before.image } : {}) }
    const undone = undo && asUndone ? holds(undo.verify, target, asUndone) : isUntouched(input, reading, before)
    if (undone && image === before.image) return { at: 'before', observed, facts }
    if (holds(verify, target, reading)) return { at: 'after', observed, facts }
    const why = undone ? NOT_AS_BEFORE : 'which fit neither before nor after'
    return { at: after ? 'elsewhere' : 'unknown', observed: `${observed}, ${why}`, facts }
  },
  environment: ({ target }, { config }) => sqlTarget(config.targets, target).environment,
}

/** Without a statement that undoes it, only a reading that is the same and does not hold shows that nothing was done. */
const isUntouched = ({ target, verify }: SqlExecute, reading: Rows, before: ExecuteBefore): boolean =>
  reading.sha256 === before.reading && !holds(verify, target, reading)

const judge = (proof: Proof, target: string, rows: Rows): Seen =>
  judgeRows({ target, ...defined({ equals: proof.equals }), rows_min: proof.rows_min }, rows)

const holds = (proof: Proof, target: string, rows: Rows): boolean => judge(proof, target, rows).outcome === 'verified'

interface ParsedInput {
  readonly statement: Parsed
  readonly verify: Reading
  readonly undo: Parsed | undefined
  readonly undoVerify: Reading | undefined
}

/** @throws {DeedError} that names the part to change */
async function parsedOf({ statement, params, verify, undo }: SqlExecute): Promise<ParsedInput> {
  return {
    statement: await parseWriting(statement, params, STATEMENT_PATH),
    verify: await parseReading(verify.query, verify.params, '$.input.verify.query'),
    undo: undo && (await parseWriting(undo.statement, undo.params, UNDO_PATH)),
    undoVerify: undo && (await parseReading(undo.verify.query, undo.verify.params, '$.input.undo.verify.query')),
  }
}

const STATEMENT_PATH = '$.input.statement'
const UNDO_PATH = '$.input.undo.statement'

/** What a statement makes is not there yet for its undo. */
async function refuseUndoThatCannotRun(
  client: ClientBase,
  { statement: text, params }: { statement: string; params: readonly Json[] },
  undo: Parsed,
  statement: Parsed,
): Promise<void> {
  await judgeCalls(client, undo, { code: 'invalid_request', reads: false, path: UNDO_PATH })
  if (changesRows(statement)) await refuseWhatCannotRun(client, { text, statement: undo, params, path: UNDO_PATH })
}

async function readProofs(
  client: ClientBase,
  { verify, undoVerify }: ParsedInput,
): Promise<[reading: Rows, asUndone: Rows | undefined]> {
  return [await fetchRows(client, verify), undoVerify && (await fetchRows(client, undoVerify))]
}

const changesRows = (statement: Parsed | undefined): boolean =>
  statement !== undefined && CHANGING.has(statement.root.type)

const NOT_AS_BEFORE = 'the rows that the statement changed are not as they were before it'

/**
 * Only where the condition says by itself which rows they are, whenever it is asked: what a function or another table says
 * may be otherwise by then.
 */
async function imageBy(client: ClientBase, { params }: SqlExecute, statement: Parsed): Promise<string | undefined> {
  const { root, nodes, calls } = statement
  const moves = nodes.some(({ type }) => MOVING.has(type)) || calls.some(({ attribute }) => !attribute)
  const rows = moves ? undefined : await affectedRows(root, statement, params)
  return rows && (await imageOf(client, rows))
}

const MOVING: ReadonlySet<string> = new Set(['SQLValueFunction', 'SubLink', 'RangeSubselect', 'WithClause'])

/** An attempt's own readings may take as long as the attempt. */
const readMs = ({ actionId, action }: Context): number | undefined =>
  actionId === OBSERVE_ONLY ? undefined : action.timeout_ms

const lockOf = (actionId: string) => `deed:${actionId}`

function write(
  {
    statement,
    params,
    verify,
    target,
    parsed,
    proof,
  }: { statement: string; params: readonly Json[]; verify: Proof; target: string; parsed: Parsed; proof: Reading },
  context: Context,
  check?: Write['check'],
): Promise<Written> {
  return context.world.databases.fresh(target, (client) => {
    context.begin()
    return writeStatement(client, {
      text: statement,
      statement: parsed,
      params,
      proof,
      judge: (rows) => judge(verify, target, rows),
      ...(check ? { check } : {}),
      timeoutMs: context.action.timeout_ms,
      lock: lockOf(context.actionId),
      beforeCommit: context.begin,
      nothingDone: context.nothingDone,
    })
  })
}

const STATEMENT_SAID_MAX = 3_000

/** `a`, `a and b`, `a, b and c`. */
const listed = (items: readonly string[]): string =>
  items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`

const countOf = (rows: number) => counted(rows, 'row')
const sentence = ({ command, rowCount }: Written) => `${command} changed ${countOf(rowCount)}`

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

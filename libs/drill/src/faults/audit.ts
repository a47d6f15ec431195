/** Somebody with every right on the database changes the audit log: the chain names the first row that is not as it was. */
import assert from 'node:assert/strict'
import { verifyAudit } from '@deed/proto/audit'
import type { ExecutionId } from '@deed/proto/ids'
import { askFor, assertDoneOnce, fileEffect } from '../harness/effects.ts'
import type { Fault } from '../harness/fault.ts'
import type { FaultMesh } from '../harness/fault-mesh.ts'

interface Tampering {
  what: string
  sql: string
  /** The row that is named. */
  seq(rows: number): number
}

const TAMPERINGS: readonly Tampering[] = [
  {
    what: 'a row is changed',
    sql: `update orchestrator.audit_log set data = '{"name":"forged"}' where execution_id = $1 and seq = 2`,
    seq: () => 2,
  },
  {
    what: 'a row is moved in time',
    sql: `update orchestrator.audit_log set at = at - interval '1 day' where execution_id = $1 and seq = 1`,
    seq: () => 1,
  },
  {
    what: 'a row is removed',
    sql: 'delete from orchestrator.audit_log where execution_id = $1 and seq = 3',
    seq: () => 3,
  },
  {
    what: 'the end is cut off',
    sql: `delete from orchestrator.audit_log where execution_id = $1 and seq =
            (select max(seq) from orchestrator.audit_log where execution_id = $1)`,
    seq: (rows) => rows,
  },
]

export const audit: Fault = {
  id: 'F46',
  title: 'rows of the audit log are changed, removed, cut off',
  async run({ mesh, name }) {
    const effect = fileEffect(mesh, name('audited'))
    const reply = await askFor(mesh, effect)
    await assertDoneOnce(effect, reply)
    const { execution_id } = reply
    assert.equal(await brokenAt(mesh, execution_id), undefined)
    for (const tampering of TAMPERINGS) {
      const rows = await tampered(mesh, execution_id, tampering.sql, async (count) => {
        assert.equal(await brokenAt(mesh, execution_id), tampering.seq(count), tampering.what)
        return count
      })
      assert.ok(rows > 3, 'there is too little to tamper with')
      assert.equal(await brokenAt(mesh, execution_id), undefined, 'it was not brought back')
    }
  },
}

async function brokenAt({ client }: FaultMesh, execution_id: ExecutionId): Promise<number | undefined> {
  const { broken } = await client.call(verifyAudit, { execution_id })
  return broken?.seq
}

/** Brings the log of the execution back afterwards, as it was. */
async function tampered<T>(
  { database }: FaultMesh,
  execution_id: ExecutionId,
  sql: string,
  look: (rows: number) => Promise<T>,
): Promise<T> {
  const client = await database.connect()
  try {
    // The log refuses changes; a superuser can have it look away.
    await client.query(`set session_replication_role = replica`)
    await client.query('create temporary table kept as select * from orchestrator.audit_log where execution_id = $1', [
      execution_id,
    ])
    const { rows } = await client.query<{ count: number }>('select count(*)::int as count from kept')
    await client.query(sql, [execution_id])
    try {
      return await look(rows[0]?.count ?? 0)
    } finally {
      await client.query('delete from orchestrator.audit_log where execution_id = $1', [execution_id])
      await client.query('insert into orchestrator.audit_log select * from kept')
      await client.query('drop table kept')
    }
  } finally {
    await client.query('reset session_replication_role')
    client.release()
  }
}

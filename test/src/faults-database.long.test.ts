// The database is there but does not take what it is given, and queues vanish from under a running mesh.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask } from '@deed/drill/harness/ask'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { requestExecution } from '@deed/proto/execution'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let under: MeshUnderTest
let metrics: string
beforeAll(async () => {
  under = await meshUnderTest({ env: { METRICS_PORT: '0' } })
  metrics = under.mesh.service('orchestrator').metricsUrl?.replace('/metrics', '') ?? ''
}, 60_000)
afterAll(() => under?.[Symbol.asyncDispose]())

const ready = async (): Promise<{ status: number; text: string }> => {
  const response = await fetch(`${metrics}/readyz`)
  return { status: response.status, text: await response.text() }
}

describe('a database', () => {
  it('that is read-only has writes refused with its reason, and taken again without a restart', async () => {
    const { client, database, mesh } = under
    const pids = mesh.services.map(({ pid }) => pid)
    await readOnly(database, 'on')
    try {
      await until(async () => (await ready()).status === 503)
      expect((await ready()).text).toContain('PostgreSQL is read-only')
      await expect(
        client.call(requestExecution, { task: 'write "x" to refused.txt', idempotency_key: 'refused' }),
      ).rejects.toMatchObject({ code: 'unavailable', retryable: true, message: expect.stringContaining('read-only') })
    } finally {
      await readOnly(database, 'off')
    }
    const reply = await ask(client, { task: 'write "x" to taken.txt', idempotency_key: 'taken' })
    expect(reply).toMatchObject({ status: 'done' })
    const { rows } = await database.query(
      `select idempotency_key from orchestrator.executions where idempotency_key in ('refused', 'taken')`,
    )
    expect(rows).toEqual([{ idempotency_key: 'taken' }])
    await until(async () => (await ready()).status === 200)
    expect(mesh.services.map(({ pid }) => pid)).toEqual(pids)
  }, 60_000)
})

describe('a database that holds everybody up', () => {
  it('costs no live attempt its lease, and what was asked for meanwhile is done', async () => {
    const { client, database, workspace } = under
    const waits = ask(client, { task: 'wait until the file go.txt exists', idempotency_key: 'waits' })
    const attempt = async () => {
      const { rows } = await database.query<{ token: string; agent: string | null; live: boolean }>(
        `select a.token::text, a.assigned_agent as agent, a.lease_expires_at > clock_timestamp() as live
           from orchestrator.actual_state a join orchestrator.executions e using (execution_id)
          where e.idempotency_key = 'waits' and a.task_kind = 'act'`,
      )
      return rows[0]
    }
    await until(async () => typeof (await attempt())?.agent === 'string')
    const holder = await database.connect()
    try {
      await holder.query('set idle_in_transaction_session_timeout = 0')
      await holder.query('begin')
      // Whatever is admitted or moved writes here, and waits.
      await holder.query('lock table orchestrator.audit_log in share mode')
      const { rows: began } = await holder.query<{ at: Date }>('select clock_timestamp() as at')
      const others = Array.from({ length: 50 }, (_, index) =>
        ask(client, { task: `write "x" to held-${index}.txt`, idempotency_key: `held-${index}` }),
      )
      // Twice as long as a lease.
      await until(async () => {
        const { rowCount } = await database.query(
          `select where clock_timestamp() > $1::timestamptz + interval '6 seconds'`,
          [began[0]?.at],
        )
        return rowCount === 1
      })
      expect(await attempt()).toMatchObject({ token: '1', live: true })
      await holder.query('rollback')
      for (const reply of await Promise.all(others)) expect(reply.status).toBe('done')
    } finally {
      holder.release(true)
    }
    writeFileSync(join(workspace, 'go.txt'), '')
    expect(await waits).toMatchObject({ status: 'done' })
    expect(await attempt()).toMatchObject({ token: '1' })
  }, 60_000)
})

describe('a work queue', () => {
  it.each(['consumer', 'stream'] as const)(
    'whose %s is deleted is made again, and what waits is done',
    async (what) => {
      const { client } = under
      const alerts: string[] = []
      const listening = client.nc.subscribe('alerts.>', { callback: (_, msg) => alerts.push(msg.subject) })
      const jsm = await client.nc.jetstreamManager()
      if (what === 'consumer') await jsm.consumers.delete('WORK', 'executor')
      else await jsm.streams.delete('WORK')
      const asked = ask(client, { task: `write "x" to without-${what}.txt`, idempotency_key: `without-${what}` })
      const notReady = async () => {
        const { status, text } = await ready()
        return status === 503 && text.includes('missing')
      }
      await until(notReady, { what: 'a replica that is not ready' })
      expect(await asked).toMatchObject({ status: 'done' })
      await until(async () => (await ready()).status === 200, { what: 'a replica that is ready' })
      await until(() => alerts.length > 0, { what: 'an alert' })
      listening.unsubscribe()
      expect(alerts).toEqual(['alerts.local.work-queue-missing'])
      expect(under.log('orchestrator')).toContain('"alert":"work-queue-missing"')
    },
    60_000,
  )
})

async function readOnly(database: MeshUnderTest['database'], value: 'on' | 'off'): Promise<void> {
  const superuser = await database.connect()
  try {
    await superuser.query('set default_transaction_read_only = off')
    await superuser.query(`alter system set default_transaction_read_only = ${value}`)
    await superuser.query('select pg_reload_conf()')
  } finally {
    superuser.release(true)
  }
}

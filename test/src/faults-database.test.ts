// The database is there but does not take what it is given, and queues vanish from under a running mesh.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ask } from '@deed/drill/ask'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/mesh-under-test'
import { until } from '@deed/mesh/until'
import { requestExecution } from '@deed/proto/execution'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let under: MeshUnderTest
let metrics: string
beforeAll(async () => {
  const port = await freePort()
  metrics = `http://127.0.0.1:${port}`
  under = await meshUnderTest({ env: { METRICS_PORT: String(port) } })
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
    await until(async () => (await ready()).status === 503)
    expect((await ready()).text).toContain('takes no writes')
    await expect(
      client.call(requestExecution, { task: 'write "x" to refused.txt', idempotency_key: 'refused' }),
    ).rejects.toMatchObject({ code: 'unavailable', retryable: true, message: expect.stringContaining('read-only') })
    await readOnly(database, 'off')
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

describe('a work queue', () => {
  it.each(['consumer', 'stream'] as const)(
    'whose %s is deleted is made again, and what waits is done',
    async (what) => {
      const { client } = under
      const jsm = await client.nc.jetstreamManager()
      if (what === 'consumer') await jsm.consumers.delete('WORK', 'executor')
      else await jsm.streams.delete('WORK')
      const asked = ask(client, { task: `write "x" to without-${what}.txt`, idempotency_key: `without-${what}` })
      await until(async () => (await ready()).status === 503, { what: 'a replica that is not ready' })
      expect((await ready()).text).toContain('missing')
      expect(await asked).toMatchObject({ status: 'done' })
      await until(async () => (await ready()).status === 200, { what: 'a replica that is ready' })
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

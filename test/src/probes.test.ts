// What the processes of a mesh tell an orchestrator of containers, while their servers are stopped and started.
import { ask } from '@deed/drill/harness/ask'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { SERVICES, type ServiceName } from '@deed/proto/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'

const Readiness = z.strictObject({
  ready: z.boolean(),
  phase: z.enum(['starting', 'serving', 'draining']),
  checks: z.array(
    z.strictObject({ service: z.string(), name: z.string(), ok: z.boolean(), why: z.string().optional() }),
  ),
})
const WITHOUT_TABLES = new Set<ServiceName>(['task-decomposer', 'console'])
const WITH_TABLES = SERVICES.filter((service) => !WITHOUT_TABLES.has(service))

let under: MeshUnderTest
beforeAll(async () => {
  under = await meshUnderTest({ env: { METRICS_PORT: '0' } })
}, 120_000)
afterAll(() => under?.[Symbol.asyncDispose]())

const get = (service: ServiceName, path: string): Promise<Response> =>
  fetch(new URL(path, under.mesh.service(service).metricsUrl))

async function readiness(service: ServiceName): Promise<z.output<typeof Readiness>> {
  const response = await get(service, '/readyz')
  const found = Readiness.parse(await response.json())
  expect(response.status).toBe(found.ready ? 200 : 503)
  return found
}

/** The checks of the service that fail, with why. */
const failing = async (service: ServiceName): Promise<Record<string, string | undefined>> => {
  const { checks } = await readiness(service)
  return Object.fromEntries(
    checks.filter((one) => one.service === service && !one.ok).map(({ name, why }) => [name, why]),
  )
}

const allReady = (): Promise<unknown> =>
  until(async () => (await Promise.all(SERVICES.map(readiness))).every(({ ready }) => ready), { what: 'a ready mesh' })

const allLive = async (): Promise<void> => {
  for (const service of SERVICES) expect((await get(service, '/livez')).status).toBe(200)
}

describe('a process', () => {
  it('that serves is ready, and names each check that it has made', async () => {
    for (const service of SERVICES) {
      const { phase, checks } = await readiness(service)
      expect(phase).toBe('serving')
      const names = checks.filter((one) => one.service === service).map(({ name }) => name)
      expect(names).toEqual([
        'nats',
        ...(WITHOUT_TABLES.has(service) ? [] : ['postgresql', 'schema', 'durability']),
        ...(service === 'orchestrator' ? ['queues'] : []),
      ])
    }
    await allReady()
  })

  it('is alive but not ready while NATS is away, and ready when it is back', async () => {
    const { nats } = under.mesh
    await nats?.kill()
    try {
      for (const service of SERVICES)
        await until(async () => (await failing(service)).nats?.includes('NATS is not connected') === true)
      expect(await failing('executor')).not.toHaveProperty('postgresql')
      await allLive()
    } finally {
      await nats?.start()
    }
    await allReady()
  }, 60_000)

  it('is alive but not ready while PostgreSQL is away, except where it has no tables', async () => {
    const { postgres } = under.mesh
    await postgres?.kill()
    try {
      for (const service of WITH_TABLES) await until(async () => (await failing(service)).postgresql !== undefined)
      for (const service of WITHOUT_TABLES) expect(await failing(service)).toEqual({})
      await allLive()
    } finally {
      await postgres?.start()
    }
    await allReady()
  }, 60_000)

  it('is not ready on a schema of another release, nor where commits do not survive a power cut', async () => {
    const { database } = under
    const { rows } = await database.query('delete from executor.kysely_migration returning name, timestamp')
    await until(async () => (await failing('executor')).schema === 'migrations are missing: 001-schema')
    for (const { name, timestamp } of rows)
      await database.query('insert into executor.kysely_migration values ($1, $2)', [name, timestamp])
    await database.query('alter role deed_executor set synchronous_commit = off')
    await endSessions('deed_executor')
    await until(async () => (await failing('executor')).durability === 'synchronous_commit is off')
    await database.query('alter role deed_executor reset synchronous_commit')
    await endSessions('deed_executor')
    await allReady()
  }, 60_000)

  it('is not ready while it drains', async () => {
    const { client, database, mesh } = under
    const holder = await database.connect()
    let asked: Promise<unknown>
    try {
      await holder.query('begin')
      await holder.query('lock table executor.actions in share mode')
      asked = ask(client, { task: 'write "x" to held.txt', idempotency_key: 'held' })
      await until(async () => {
        const { rowCount } = await database.query(
          `select from pg_stat_activity where usename = 'deed_executor' and wait_event_type = 'Lock'`,
        )
        return rowCount !== 0
      })
      const stopped = mesh.service('executor').stop()
      await until(async () => (await readiness('executor')).phase === 'draining')
      expect((await get('executor', '/livez')).status).toBe(200)
      await holder.query('rollback')
      expect(await stopped).toBe(0)
    } finally {
      holder.release(true)
    }
    await mesh.service('executor').start()
    expect(await asked).toMatchObject({ status: 'done' })
    await allReady()
  }, 60_000)
})

async function endSessions(role: string): Promise<void> {
  await under.database.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = $1', [role])
}

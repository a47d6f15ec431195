// What an earlier release has stored, under the services of this one: they bring its tables up to date and continue its work.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkAtAnyTime } from '@deed/drill/harness/check-invariants'
import { openHttpWitness } from '@deed/drill/harness/http-witness'
import { startMesh } from '@deed/local/local-mesh'
import { startPostgres } from '@deed/local/postgres'
import { createRoles, keptPasswords } from '@deed/local/roles'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { type Bus, connectBus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { verifyAudit } from '@deed/proto/audit'
import { getExecution, requestExecution } from '@deed/proto/execution'
import { Pool } from 'pg'
import { afterAll, describe, expect, it } from 'vitest'

const RELEASES = resolve(import.meta.dirname, '../releases')
const releases = readdirSync(RELEASES).flatMap((file) => /^(.+)\.sql$/.exec(file)?.[1] ?? [])
const opened = new AsyncDisposableStack()
afterAll(() => opened.disposeAsync())

/** A mesh of this release on the rows of that one. */
async function continued(
  release: string,
): Promise<{ client: Bus; database: Pool; requests: { keysOf(name: string): readonly string[] } }> {
  const folder = opened.use(temporaryFolder()).path
  const postgres = opened.use(await startPostgres({ dataDir: join(folder, 'postgres') }))
  const dataDir = join(folder, 'data')
  mkdirSync(dataDir)
  await createRoles(postgres.url, keptPasswords(dataDir))
  const database = new Pool({ connectionString: postgres.url, max: 2 })
  opened.defer(() => database.end())
  await database.query(readFileSync(join(RELEASES, `${release}.sql`), 'utf8'))
  const requests = opened.use(await openHttpWitness())
  mkdirSync(join(folder, 'workspace'))
  const config = join(folder, 'execution.yaml')
  writeFileSync(
    config,
    `workspaces:\n  main: { root: ./workspace }\ncommands: { allow: [sh] }\ntargets:\n  guarded: { type: http, url: ${requests.url}, environment: guarded }\n`,
  )
  const env = { DEED_TEST: '1', ORCHESTRATOR_LEASE_MS: '3000' }
  const mesh = opened.use(
    await startMesh({ dataDir, config, env, databaseUrl: postgres.url, supervise: false, thinkers: 'together' }),
  )
  const { nats_url: url, nats_user: user, nats_password: password } = mesh.connection
  return { client: opened.use(await connectBus({ service: 'deed', url, user, password })), database, requests }
}

describe.each(releases)('what release %s has stored', (release) => {
  let mesh: Awaited<ReturnType<typeof continued>>
  const byKey = (key: string) => mesh.client.call(getExecution, { idempotency_key: key })

  it('is what the services of this one start on, with an audit chain that holds', async () => {
    mesh = await continued(release)
    const { rows, broken } = await mesh.client.call(verifyAudit, { limit: 100 })
    expect(rows).toBeGreaterThan(5)
    expect(broken).toBeNull()
    expect(await byKey('done')).toMatchObject({ status: 'done', result: expect.anything() })
  })

  it('does nothing without the approval that it waits for, which has run out since', async () => {
    expect(['waiting', 'denied']).toContain((await byKey('waiting')).status)
    expect(mesh.requests.keysOf('agreed')).toEqual([])
  })

  it('is continued by new work in the same tables', async () => {
    const reply = await mesh.client.call(requestExecution, { task: 'write "it" to later.txt' }, { timeoutMs: 120_000 })
    expect(reply).toMatchObject({ status: 'done', metrics: { success: true } })
  })

  it('gets no second effect of what ran when its executor died: the attempt has ended, and a person or the next one decides', async () => {
    await until(
      async () => {
        const { rows } = await mesh.database.query(
          `select from orchestrator.actual_state a join orchestrator.executions e using (execution_id)
            where e.idempotency_key = 'running' and a.actual_status = 'in_progress'`,
        )
        return rows.length === 0
      },
      { timeoutMs: 120_000, what: 'the end of the lease' },
    )
    expect((await byKey('running')).status).not.toBe('done')
    await checkAtAnyTime(mesh.database)
  })
})

// What the doctor says of a primary by its standbys: on servers of its own, since commits of others would wait.
import { startPostgres } from '@deed/local/postgres'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { openStore } from '@deed/store/database'
import { createLogger } from '@deed/telemetry/logger'
import { expect, it } from 'vitest'
import type { Schema } from '../store/schema.ts'
import { standbys } from './examine-orchestrator.ts'

it('a primary is named when no commit waits for its standbys, also by a role that sees nothing of them but their number', async () => {
  using folder = temporaryFolder()
  await using server = await startPostgres({ dataDir: folder.path })
  const log = createLogger('test')
  await using superuser = openStore<Schema>({ url: server.url, schema: 'public', log })
  await superuser.pool.query("create role ordinary login password 'ordinary'")
  const url = new URL(server.url)
  Object.assign(url, { username: 'ordinary', password: 'ordinary' })
  await using db = openStore<Schema>({ url: url.href, schema: 'public', log })
  expect(await standbys(db)).toEqual([])

  // What a standby begins with.
  await using standby = openStore<Schema>({ url: `${server.url}?replication=database`, schema: 'public', log })
  const session = await standby.pool.connect()
  expect(await standbys(db)).toMatchObject([
    { status: 'warning', message: expect.stringContaining('may lack what was acknowledged') },
  ])
  await superuser.pool.query("alter system set synchronous_standby_names = 'ANY 1 (*)'")
  await superuser.pool.query('select pg_reload_conf()')
  await expect.poll(async () => (await standbys(db))[0]?.status).toBe('ok')
  session.release()
})

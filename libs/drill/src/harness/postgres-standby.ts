/** A PostgreSQL with a standby that has every commit before it is answered, behind one address. */
import { chownSync, cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keep } from '@deed/local/data-folder'
import { NOBODY_ID, startPostgres } from '@deed/local/postgres'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { Client } from 'pg'
import { openChaosProxy } from './chaos-proxy.ts'

export interface PostgresPair extends AsyncDisposable {
  /** The address that leads to the primary, as superuser. */
  readonly url: string
  /** Kills the primary, promotes the standby, and leads the address to it. */
  failOver(): Promise<void>
}

/** Starts both, and waits until the standby is synchronous. */
export async function postgresPair(random: () => number): Promise<PostgresPair> {
  await using opened = new AsyncDisposableStack()
  const [first, second] = [opened.use(temporaryFolder()).path, opened.use(temporaryFolder()).path]
  const [from, url] = await prepared(first)
  // The same password, since both have the same users.
  keep(second, 'password', decodeURIComponent(new URL(url).password))
  const [to] = await prepared(second)
  // Consistent, since both are stopped.
  rmSync(to, { recursive: true })
  cpSync(from, to, { recursive: true })
  becomeStandby(to, url)
  const primary = opened.use(await startPostgres({ dataDir: first }))
  const standby = opened.use(await startPostgres({ dataDir: second }))
  await run(url, `alter system set synchronous_standby_names = '*'`)
  await run(url, 'select pg_reload_conf()')
  await until(async () => (await run(url, `select 1 from pg_stat_replication where sync_state = 'sync'`)).length > 0, {
    what: 'a synchronous standby',
  })
  const address = opened.use(await openChaosProxy(url, random))
  const kept = opened.move()
  return {
    url: address.url(url),
    async failOver() {
      await primary.kill()
      address.leadTo(standby.url)
      address.cut()
      await run(standby.url, 'select pg_promote()')
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** Creates the databases in a data folder. @returns their folder, and the URL of the server, which has stopped */
async function prepared(dataDir: string): Promise<[folder: string, url: string]> {
  await using server = await startPostgres({ dataDir })
  const [row] = await run(server.url, `select current_setting('data_directory') as folder`)
  return [String(row?.folder), server.url]
}

function becomeStandby(folder: string, primary: string): void {
  const { hostname, port, username, password } = new URL(primary)
  const connection = `host=${hostname} port=${port} user=${username} password=${password} application_name=standby`
  writeFileSync(join(folder, 'standby.signal'), '')
  writeFileSync(join(folder, 'postgresql.auto.conf'), `primary_conninfo = '${connection}'\n`)
  if (process.getuid?.() !== 0) return
  for (const path of ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })])
    chownSync(join(folder, path), NOBODY_ID, NOBODY_ID)
}

async function run(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

// What a person reads before agreeing: what a statement does besides, what the names of an action mean, and what no undo
// brings back. As the command prints it, on a mesh of real parts.
import { execFile } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { COMMAND, startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const CONFIG = `targets:
  shop: { type: sql, url_env: SHOP_URL }
  victim: { type: process, command: [/bin/sh, -c, "exec sleep 300"], cwd: ./workspace, env: { API_TOKEN: hunter2 } }
  board: { type: http, url: "http://user:hunter3@127.0.0.1:9" }
`

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let shop: TestDatabase<unknown>

beforeAll(async () => {
  shop = opened.use(await testDatabase('shop', {}))
  await shop.pool.query(`
    create table public.cust (id int primary key);
    create table public.ord (id int primary key, cust int references public.cust on delete cascade);
    create table public.assets (id bigint primary key, name text, type text);
    insert into public.cust values (1);
    insert into public.ord select n, 1 from generate_series(1, 50) as n;
    insert into public.assets values (1, 'web-01', 'server')`)
  under = opened.use(await meshUnderTest({ config: CONFIG, env: { SHOP_URL: shop.url } }))
})
afterAll(() => opened.disposeAsync())

/** The manifest of one action. */
function manifest(name: string, action: object): string {
  const file = join(under.workspace, `${name}.yaml`)
  writeFileSync(file, JSON.stringify({ name, tasks: [{ id: 'it', action }] }))
  return file
}

/** What the three screens print: before anything is asked for, when it is asked for, and where somebody looks at it. */
async function screensOf(name: string, action: object): Promise<string[]> {
  const file = manifest(name, action)
  const deed = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await startDeed(under.mesh.dataDir, args).ended
    expect(code, stderr).toBe(0)
    return stdout
  }
  const dry = await deed('apply', '--dry-run', '-f', file)
  const { execution_id: id } = JSON.parse(await deed('apply', '--background', '-f', file, '--json'))
  const { approval_id } = await until(
    async () => (await under.client.call(listApprovals, { execution_id: id, status: 'pending' })).approvals[0],
    { what: 'a question' },
  )
  // Nobody is at the terminal to answer.
  const asked = await startDeed(under.mesh.dataDir, ['approve', approval_id]).ended
  const shown = await deed('show', id)
  await under.client.call(decideApproval, { approval_id, decision: 'deny', reason: 'only read' })
  return [dry, asked.stdout + asked.stderr, shown]
}

describe('the plan', () => {
  it('names the rows that a statement deletes besides, counted, and that no undo brings them back', async () => {
    const screens = await screensOf('cascade', {
      kind: 'sql.execute',
      input: {
        target: 'shop',
        statement: 'delete from cust where id = 1',
        verify: { query: 'select count(*) from cust', equals: 0 },
        undo: { statement: 'insert into cust values (1)', verify: { query: 'select count(*) from cust', equals: 1 } },
      },
    })
    for (const screen of screens) {
      expect(screen).toContain(
        'it deletes 50 rows of ord (foreign key ord_cust_fkey), which the undo does not bring back  (level 3',
      )
      expect(screen).toContain('undo: CANNOT BE UNDONE')
    }
  })

  it('shows the command, the folder and the names of the variables that a target stands for, and no value', async () => {
    for (const screen of await screensOf('command', { kind: 'service.start', input: { target: 'victim' } })) {
      expect(screen).toContain('victim.command: ["/bin/sh","-c","exec sleep 300"]')
      expect(screen).toContain(`victim.cwd: ${under.workspace}`)
      expect(screen).toMatch(/victim\.env: API_TOKEN \(sha256:[0-9a-f]+\)/)
      expect(screen).not.toContain('hunter2')
    }
  })

  it('shows the address that a target stands for, without its password', async () => {
    const action = {
      kind: 'http.request',
      input: { method: 'POST', target: 'board', path: '/notes', body: 'x' },
      verify: { kind: 'http', target: 'board', path: '/notes', body_contains: 'x' },
    }
    for (const screen of await screensOf('address', action)) {
      expect(screen).toContain('board.address: http://user@127.0.0.1:9')
      expect(screen).not.toContain('hunter3')
    }
  })
})

const IS_ROOT = process.getuid?.() === 0
const NOBODY = 65_534
const OTHER = 1_234

describe('the plan of a mesh that is not run by root', () => {
  const why = IS_ROOT ? '' : ' (SKIPPED: only root can make a file of another user)'

  it.skipIf(!IS_ROOT)(
    `names the owner that a file would lose, and that no undo gives it back${why}`,
    async () => {
      using folder = temporaryFolder()
      const app = join(folder.path, 'app')
      mkdirSync(app)
      writeFileSync(join(app, 'theirs.conf'), 'old')
      chownSync(join(app, 'theirs.conf'), OTHER, NOBODY)
      chmodSync(join(app, 'theirs.conf'), 0o660)
      const config = join(folder.path, 'execution.yaml')
      writeFileSync(config, 'workspaces: { main: { root: ./app } }\n')
      for (const path of [folder.path, app, config]) chownSync(path, NOBODY, NOBODY)
      const env = { PATH: process.env.PATH, HOME: folder.path, DEED_DATA_DIR: join(folder.path, 'data') }
      const deed = (...args: string[]) =>
        promisify(execFile)(process.execPath, [COMMAND, ...args], { env, uid: NOBODY, gid: NOBODY })
      await deed('up', '--detach', '--config', config)
      try {
        const { stdout } = await deed('run', '--dry-run', 'write "new" to theirs.conf')
        expect(stdout).toContain(
          `it cannot be undone: theirs.conf belongs to the user ${OTHER} and the group ${NOBODY}, which only root can give back  (level 3`,
        )
        expect(stdout).toContain('undo: CANNOT BE UNDONE')
      } finally {
        await deed('down')
      }
    },
    180_000,
  )
})

describe('an answer', () => {
  it("is counted again after a write of Deed's own to what it has read, however soon it is asked again", async () => {
    const count = async (): Promise<{ count: number; cached: boolean }> => {
      const { stdout } = await startDeed(under.mesh.dataDir, [
        'run',
        '--json',
        'query shop: select count(*) from assets',
      ]).ended
      const { result, metrics } = JSON.parse(stdout)
      return { count: Number(result.data.rows[0].count), cached: metrics.cache_hit }
    }
    expect([await count(), await count()]).toEqual([
      { count: 1, cached: false },
      { count: 1, cached: true },
    ])
    const file = manifest('insert', {
      kind: 'sql.execute',
      input: {
        target: 'shop',
        statement: `insert into assets values (2, 'desk-7', 'desk')`,
        verify: { query: 'select count(*) from assets where id = 2', equals: 1 },
        undo: {
          statement: 'delete from assets where id = 2',
          verify: { query: 'select count(*) from assets where id = 2', equals: 0 },
        },
      },
    })
    const { execution_id: id } = JSON.parse(
      (await startDeed(under.mesh.dataDir, ['apply', '--background', '-f', file, '--json']).ended).stdout,
    )
    const approval = await until(
      async () => (await under.client.call(listApprovals, { execution_id: id, status: 'pending' })).approvals[0],
      { what: 'a question' },
    )
    await under.client.call(decideApproval, { approval_id: approval.approval_id, decision: 'approve' })
    expect((await startDeed(under.mesh.dataDir, ['watch', id]).ended).code).toBe(0)
    expect(await count()).toEqual({ count: 2, cached: false })
  })
})

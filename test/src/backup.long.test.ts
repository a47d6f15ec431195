// A backup of a mesh at work, put into an empty one: with the command, real servers, and processes that are killed.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkAtAnyTime } from '@deed/drill/harness/check-invariants'
import { type Ended, startDeed } from '@deed/drill/harness/deed-process'
import { type FaultMesh, faultMesh } from '@deed/drill/harness/fault-mesh'
import { rollBack } from '@deed/drill/harness/roll-back'
import { type Mesh, startMesh } from '@deed/local/local-mesh'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { type Bus, connectBus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { SERVICES } from '@deed/proto/contract'
import { getExecution, requestExecution, SUBMIT_SUBJECT } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askedOf, detailOf, endOf } from './follow.ts'

const SLOW_SECONDS = 20
const START_MS_MAX = 300_000
const opened = new AsyncDisposableStack()
let under: FaultMesh
let folder: string
let target: string
/** Of the mesh that is restored. */
let restored: { client: Bus; mesh: Mesh; database: pg.Client }
const ids: Record<'overwritten' | 'undone' | 'waiting' | 'running', ExecutionId> = {} as never
/** Submitted, and acknowledged before the backup began. */
const promised: string[] = []

const command = (dataDir: string, ...args: string[]) => startDeed(dataDir, args)

async function accepted(task: string, mode: 'auto' | 'background' = 'auto'): Promise<ExecutionId> {
  return (await under.client.call(requestExecution, { task, mode })).execution_id
}

/** Submits until it is stopped. */
function submitting(): AsyncDisposable {
  let stopped = false
  const js = under.client.nc.jetstream()
  const loop = (async () => {
    for (let number = 0; !stopped; number++) {
      const key = `load-${number}`
      // Of those without a key the sequence is what they are found by.
      const named = number % 2 === 0 ? { idempotency_key: key } : {}
      await js.publish(SUBMIT_SUBJECT, JSON.stringify({ task: `write "it" to ${key}`, ...named }))
      promised.push(key)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stopped = true
      await loop
    },
  }
}

let backedUp: Ended
let promisedBefore: string[] = []
beforeAll(async () => {
  folder = join(opened.use(temporaryFolder()).path, 'backup')
  target = mkdtempSync(join(opened.use(temporaryFolder()).path, 'mesh-'))
  under = opened.use(await faultMesh())
  const { workspace, client } = under
  writeFileSync(join(workspace, 'kept.txt'), 'as it was')
  ids.overwritten = await accepted('write "new" to kept.txt')
  ids.undone = await accepted('write "gone" to undone.txt')
  await endOf(under, ids.undone)
  await rollBack(client, ids.undone)
  await until(async () => (await detailOf(under, ids.undone)).status === 'rolled_back', { what: 'the rollback' })
  ids.waiting = await accepted('tell the guarded witness "agreed"', 'background')
  await askedOf(under, ids.waiting)
  ids.running = await accepted(`run \`sh count.sh slow ${SLOW_SECONDS}\` and expect the file slow.out`, 'background')
  await until(() => existsSync(join(workspace, 'slow.runs')), { what: 'the command' })
  {
    await using _load = submitting()
    await until(() => promised.length > 20, { what: 'submissions' })
    promisedBefore = [...promised]
    backedUp = await command(under.mesh.dataDir, 'backup', folder, '--json').ended
  }
  // The disaster: nothing of the old mesh does anything any more.
  for (const service of SERVICES) await under.mesh.service(service).kill()
}, START_MS_MAX)
afterAll(() => opened.disposeAsync())

/** With the files of the mesh that was backed up: its configuration, its rules, its workspace. */
async function startRestored(): Promise<typeof restored> {
  const { mesh: old } = under
  const env = {
    ...{ DEED_TEST: '1', LOG_LEVEL: 'info', ORCHESTRATOR_LEASE_MS: '3000' },
    DEED_POLICY: old.environmentOf('orchestrator').DEED_POLICY,
    RULES_DIR: old.environmentOf('hybrid-agent').RULES_DIR,
  }
  const mesh = opened.use(
    await startMesh({
      dataDir: target,
      config: join(dirname(old.dataDir), 'execution.yaml'),
      env,
      supervise: false,
      thinkers: 'together',
    }),
  )
  const { nats_url: url, nats_user: user, nats_password: password, database_url } = mesh.connection
  const client = opened.use(await connectBus({ service: 'deed', url, user, password }))
  const database = new pg.Client({ connectionString: database_url })
  await database.connect()
  opened.defer(() => database.end())
  return { mesh, client, database }
}

describe('deed backup', () => {
  it('is made while the mesh works, and says what it has', () => {
    expect(backedUp.code, backedUp.stderr).toBe(0)
    const said = JSON.parse(backedUp.stdout) as { executions: number; snapshots: number }
    expect(said.executions).toBeGreaterThanOrEqual(4)
    expect(said.snapshots).toBeGreaterThanOrEqual(1)
  })

  it('writes over nothing that is there', async () => {
    const { code, stderr } = await command(under.mesh.dataDir, 'backup', folder).ended
    expect(stderr).toContain('is not empty; a backup is a folder of its own')
    expect(code).toBe(78)
  })

  it('is read again by --check, which finds a changed byte and names the file', async () => {
    expect((await command(target, 'restore', folder, '--check').ended).code).toBe(0)
    const file = join(folder, 'tables/orchestrator.audit_log.gz')
    const whole = readFileSync(file)
    appendFileSync(file, 'x')
    const { code, stderr } = await command(target, 'restore', folder, '--check').ended
    writeFileSync(file, whole)
    expect(stderr).toContain(`the backup is damaged: ${file}`)
    expect(code).toBe(78)
  })
})

describe('deed restore', () => {
  it('replaces nothing that is there unless --yes says so, and nothing under services that run', async () => {
    const full = await command(under.mesh.dataDir, 'restore', folder).ended
    expect(full.stderr).toMatch(/--yes replaces all|services are at work/)
    expect(full.code).toBe(78)
  })

  it('leaves a mark when it is killed, under which no mesh starts, and begins again when it is run again', async () => {
    const killed = command(target, 'restore', folder)
    let code: number | null | undefined
    killed.child.once('exit', (ended) => {
      code = ended
    })
    await until(
      () => {
        if (code !== undefined) throw new Error(`it ended with ${code}: ${killed.output()}`)
        return killed.output().includes('tables are made')
      },
      { timeoutMs: START_MS_MAX, what: 'the tables' },
    )
    killed.child.kill('SIGKILL')
    await killed.ended
    const up = await command(target, 'up').ended
    expect(up.stderr).toMatch(/holds a part of a backup: the restore of .* has not ended; run deed restore again/)
    expect(up.code).toBe(78)
    const again = await command(target, 'restore', folder, '--json').ended
    expect(again.code, again.stderr).toBe(0)
    expect(JSON.parse(again.stdout)).toMatchObject({ restored: true })
  }, 600_000)

  it(
    'brings back a mesh whose audit chain verifies, with what was done, undone and waits',
    async () => {
      restored = await startRestored()
      const audit = await command(target, 'audit', 'verify').ended
      expect(audit.stdout).toContain('as written')
      expect(audit.code).toBe(0)
      expect(await detailOf(restored, ids.overwritten)).toMatchObject({ status: 'done' })
      expect(await detailOf(restored, ids.undone)).toMatchObject({ status: 'rolled_back' })
      expect(await askedOf(restored, ids.waiting)).toMatchObject({ execution_id: ids.waiting, status: 'pending' })
    },
    START_MS_MAX,
  )

  it(
    'gives no attempt of before the right to act: what ran is observed, and done again or asked about',
    async () => {
      const { rows } = await restored.database.query<{ token: string }>(
        `select token from orchestrator.actual_state where execution_id = $1 and task_kind = 'act'`,
        [ids.running],
      )
      expect(Number(rows[0]?.token)).toBeGreaterThan(1)
      const { status } = await until(
        async () => {
          const detail = await detailOf(restored, ids.running)
          return ['done', 'waiting', 'failed', 'rolled_back', 'rollback_failed'].includes(detail.status) && detail
        },
        { timeoutMs: START_MS_MAX, what: 'the end of what ran, or a question' },
      )
      // What it had begun is taken back, and done again; or a person is asked, where others have changed files since.
      if (status === 'done') expect(existsSync(join(under.workspace, 'slow.out'))).toBe(true)
      if (status === 'rollback_failed') {
        const { rows: reviews } = await restored.database.query(
          `select from orchestrator.desired_state where execution_id = $1 and task_kind = 'review'`,
          [ids.running],
        )
        expect(reviews).toHaveLength(1)
      }
      expect(status).not.toBe('failed')
    },
    START_MS_MAX,
  )

  it(
    'does what was promised before the backup, each once',
    async () => {
      for (const key of promisedBefore) {
        await until(() => existsSync(join(under.workspace, key)), { timeoutMs: START_MS_MAX, what: key })
        expect(under.files.changesOf(key), key).toBe(1)
      }
      await checkAtAnyTime(restored.database as never)
    },
    START_MS_MAX,
  )

  it('gives no new submission the sequence of an earlier one', async () => {
    const { seq } = await restored.client.nc
      .jetstream()
      .publish(SUBMIT_SUBJECT, '{"task":"write \\"it\\" to later.txt"}')
    const { rows } = await restored.database.query<{ last: string }>(
      'select coalesce(max(sequence), 0) as last from orchestrator.submissions where sequence < $1',
      [seq],
    )
    expect(seq).toBeGreaterThan(Number(rows[0]?.last))
    await until(() => existsSync(join(under.workspace, 'later.txt')), { what: 'the later file' })
  })

  it('keeps what undos need, and the approval that waits', async () => {
    await rollBack(restored.client, ids.overwritten)
    await until(() => readFileSync(join(under.workspace, 'kept.txt'), 'utf8') === 'as it was', { what: 'the undo' })
    const { approval_id } = await askedOf(restored, ids.waiting)
    expect((await command(target, 'approve', approval_id, '--yes').ended).code).toBe(0)
    await until(
      async () => (await restored.client.call(getExecution, { execution_id: ids.waiting })).status === 'done',
      {
        what: 'what was approved',
      },
    )
    expect(under.requests.keysOf('agreed')).toHaveLength(1)
  })
})

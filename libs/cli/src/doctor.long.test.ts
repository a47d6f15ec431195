// The command as a process, on a real mesh and without one.
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask } from '@deed/drill/harness/ask'
import { startDeed } from '@deed/drill/harness/deed-process'
import { meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { startService } from '@deed/local/service-process'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import type { Check } from '@deed/proto/doctor'
import { describe, expect, it } from 'vitest'
import { node } from './doctor/check-machine.ts'

interface Report {
  ok: boolean
  problems: number
  checks: Check[]
}

interface Verified {
  anchors: number
  broken: { execution_id: string; seq: number } | null
}

interface Ran<Document> {
  code: number | null
  report: Document
  text: string
}

/** The command as a process; `report` is there with --json. */
async function run<Document>(dataDir: string, ...args: string[]): Promise<Ran<Document>> {
  const { code, stdout: text } = await startDeed(dataDir, args).ended
  const report = (args.includes('--json') ? JSON.parse(text) : undefined) as Document
  return { code, text, report }
}

const doctor = (dataDir: string, ...more: string[]): Promise<Ran<Report>> => run(dataDir, 'doctor', ...more)

const named = ({ checks }: Report, name: string): Check | undefined => checks.find((check) => check.name === name)

describe('deed doctor', () => {
  it('finds a fresh mesh as it should be, and names what is then broken', async () => {
    await using under = await meshUnderTest({
      thinkers: 'apart',
      config: `
targets:
  press: { type: process, command: [node, press.mjs] }
  ledger: { type: sql, url_env: NO_SUCH_LEDGER }
`,
    })
    const { dataDir } = under.mesh
    const { code, report } = await doctor(dataDir, '--json')
    expect(report.checks.filter(({ status }) => status === 'problem')).toEqual([])
    expect({ code, ok: report.ok }).toEqual({ code: 0, ok: true })
    for (const name of [
      'node',
      'nats',
      'nats.durability',
      'postgresql.durability',
      'migrations',
      'roles',
      'streams',
      'streams.others',
      'streams.replicas',
      'nats.permissions',
    ]) {
      expect(named(report, name), name).toMatchObject({ status: 'ok' })
    }
    expect(named(report, 'service.executor')?.message).toContain('1 of version')
    expect(named(report, 'workspace.main')?.status).toBe('ok')
    expect(named(report, 'sandbox')?.message).toMatch(/commands (run in|are not confined)/)
    expect(named(report, 'sizes')?.data).toHaveProperty(['orchestrator.executions'])
    expect(named(report, 'target.press')).toMatchObject({ status: 'warning', message: 'press does not run' })
    expect(named(report, 'target.ledger')?.message).toContain('NO_SUCH_LEDGER')

    // A second executor that is set up otherwise: what both say alike is said once.
    const config = join(dataDir, 'other.yaml')
    writeFileSync(config, `workspaces: { spare: { root: ${dataDir} } }\ncommands: { sandbox: none }\n`)
    const env = { ...under.mesh.environmentOf('executor'), DEED_CONFIG: config }
    const second = { service: 'executor' as const, copy: 1, env, logDir: join(dataDir, 'logs'), supervise: false }
    await using _ = await startService(second)
    const { checks } = (await doctor(dataDir, '--json')).report
    expect(checks.find(({ name }) => name === 'service.executor')?.message).toContain('2 of version')
    const ids = checks.filter(({ name }) => name === 'disk.executor').flatMap(({ instances }) => instances)
    const sandboxes = checks.filter(({ name }) => name === 'sandbox')
    expect(sandboxes.flatMap(({ instances }) => instances)).toHaveLength(2)
    expect(sandboxes.map(({ message }) => message)).toContainEqual(expect.stringContaining('none'))
    for (const name of ['workspace.main', 'workspace.spare']) {
      expect(checks.find((check) => check.name === name)?.instances, name).toHaveLength(1)
    }
    expect(checks.find(({ name }) => name === 'migrations')).not.toHaveProperty('instances')
    expect(new Set(sandboxes.flatMap(({ instances }) => instances))).toEqual(new Set(ids))

    // The end of a chain is cut off so that the execution itself agrees: only the anchors know.
    const { execution_id: id } = await ask(under.client, { task: 'write "x" to a.txt', idempotency_key: 'a' })
    await until(async () => (await run<Verified>(dataDir, 'audit', 'verify', '--json')).report.anchors > 0)
    const superuser = await under.database.connect()
    await superuser.query('set session_replication_role = replica; set search_path = orchestrator')
    await superuser.query(`delete from audit_log where execution_id = '${id}' and seq > 2`)
    await superuser.query(
      `update executions e set audit_seq = 2, audit_hash = l.hash from audit_log l
        where e.execution_id = '${id}' and l.execution_id = e.execution_id and l.seq = 2`,
    )
    superuser.release(true)
    const verified = await run<Verified>(dataDir, 'audit', 'verify', '--json')
    expect(verified).toMatchObject({ code: 1, report: { broken: { execution_id: id, seq: 3 } } })

    chmodSync(join(dataDir, 'roles.json'), 0o644)
    rmSync(under.workspace, { recursive: true })
    await under.mesh.service('task-decomposer').stop()
    await under.database.query('alter role deed_orchestrator set synchronous_commit = off')
    await under.database.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'deed_orchestrator'`,
    )
    const broken = await doctor(dataDir, '--json')
    expect(broken.code).toBe(1)
    expect(named(broken.report, 'workspace.main')?.message).toContain('does not exist')
    expect(named(broken.report, 'service.task-decomposer')?.status).toBe('problem')
    expect(named(broken.report, 'postgresql.durability')?.message).toContain('durability: weak')
    const readable = broken.report.checks.find(({ name, status }) => name === 'secrets' && status === 'problem')
    expect(readable?.advice).toContain('chmod 600')
    const { text } = await doctor(dataDir)
    expect(text).toMatch(/\d+ problems?, \d+ warnings?\n$/)
  })

  it('says that there is no mesh, and examines the rest', async () => {
    using folder = temporaryFolder()
    expect(existsSync(join(folder.path, 'mesh.json'))).toBe(false)
    const { code, report } = await doctor(folder.path, '--json')
    expect(code).toBe(1)
    expect(named(report, 'mesh')).toMatchObject({ status: 'problem', message: expect.stringContaining('no mesh runs') })
    expect(named(report, 'node')?.status).toBe('ok')
    expect(named(report, 'disk')).toBeDefined()
  })

  it('asks for a Node that can run it', () => {
    expect(node('24.21.0').status).toBe('ok')
    expect(node('25.0.1').status).toBe('ok')
    expect(node('24.20.9')).toMatchObject({ status: 'problem', advice: expect.stringContaining('24.21') })
    expect(node('22.99.0').status).toBe('problem')
  })
})

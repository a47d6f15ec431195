import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@deed/process/until'
import { listApprovals } from '@deed/proto/approval'
import { requestExecution } from '@deed/proto/execution'
import { type Grant, listGrants } from '@deed/proto/grant'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askedOf, endOf, pendingOf } from './follow.ts'
import { AS_APPROVER, begin, decideAs, deedOf, type MeshOfTwo, meshOfTwo } from './mesh-of-two.ts'

const DECIDERS = 100

let under: MeshOfTwo
beforeAll(async () => {
  under = await meshOfTwo()
})
afterAll(() => under[Symbol.asyncDispose]())

describe('many at once', () => {
  const races: [string, (index: number) => 'approve' | 'deny' | 'cancel'][] = [
    ['who approve', () => 'approve'],
    ['who approve and who deny', (index) => (index % 2 === 0 ? 'approve' : 'deny')],
    ['who approve and who cancel', (index) => (index % 2 === 0 ? 'approve' : 'cancel')],
  ]
  it.each(races)('%s: one wins, and what it says happens once', async (title, verdict) => {
    const word = title.replaceAll(' ', '')
    const id = await begin(under, `publish ${word} on the board`)
    const approval = await askedOf(under, id)
    const answers = await Promise.all(
      Array.from({ length: DECIDERS }, async (_, index) => {
        const said = verdict(index)
        const { body } =
          said === 'cancel'
            ? await under.operator.ask('execution.cancel', { execution_id: id })
            : await decideAs(under.approver, AS_APPROVER, approval, said)
        return { said, body }
      }),
    )
    const decided = answers.filter(({ said, body }) => said !== 'cancel' && body.code === undefined)
    const { rows } = await under.database.query(
      `select data->>'decision' as decision from orchestrator.audit_log
        where execution_id = $1 and type = 'approval.decided'`,
      [id],
    )
    expect(decided).toHaveLength(rows.length)
    for (const { said, body } of answers) {
      if (said !== 'cancel' && body.code !== undefined) expect(body.code).toBe('approval_already_used')
    }
    const end = await endOf(under, id)
    const consumed = end.timeline.map(({ type }) => type).filter((type) => type === 'approval.used').length
    if (!title.includes('cancel')) {
      expect(rows).toHaveLength(1)
      expect(end.status).toBe(rows[0].decision === 'approve' ? 'done' : 'denied')
    }
    expect(consumed).toBeLessThanOrEqual(1)
    // Who cancels may stop an approved step before its effect.
    const published = under.notes.filter((note) => note === word).length
    if (end.status === 'cancelled') expect(published).toBeLessThanOrEqual(consumed)
    else expect(published).toBe(consumed)
  })

  it('who approve when it has expired by the clock of the database: none wins, and nothing happens', async () => {
    const id = await begin(under, 'publish toolate on the board')
    const approval = await askedOf(under, id)
    // Behind the back of the orchestrator, which holds it for good still.
    await under.database.query(
      `update orchestrator.approvals set expires_at = now() - interval '1 millisecond' where approval_id = $1`,
      [approval.approval_id],
    )
    await under.database.query('update orchestrator.executions set next_check_at = now() where execution_id = $1', [id])
    const answers = await Promise.all(
      Array.from({ length: DECIDERS }, () => decideAs(under.approver, AS_APPROVER, approval)),
    )
    expect([...new Set(answers.map(({ body }) => body.code))]).toEqual(['approval_expired'])
    await under.client.call(requestExecution, { task: 'create the folder afterwards' })
    expect(under.notes).not.toContain('toolate')
    expect(await endOf(under, id)).toMatchObject({ status: 'denied', error: { code: 'approval_expired' } })
  })
})

describe('several at once', () => {
  it('of one execution, which finds many files where it expected none, are shown and decided together', async () => {
    const names = ['together-a.txt', 'together-b.txt', 'together-c.txt']
    for (const name of names) writeFileSync(join(under.workspace, name), 'before')
    const manifest = {
      name: 'together',
      tasks: names.map((path, index) => ({
        id: `t${index}`,
        action: { kind: 'file.write', kind_version: 1, input: { path, content: 'after' } },
      })),
    }
    const { execution_id: id } = await under.client.call(requestExecution, { manifest, mode: 'background' })
    const waiting = await until(
      async () => {
        const found = await pendingOf(under, id)
        return found.length === names.length ? found : undefined
      },
      { what: 'a question for each file' },
    )
    expect(await deedOf(under, 'approve', id, '--yes', '--plan-hash', waiting[0]!.plan_hash)).toMatchObject({ code: 2 })
    const { code, stdout } = await deedOf(under, 'approve', id, '--yes')
    for (const { approval_id: one } of waiting) expect(stdout).toContain(`approval ${one}, level 1`)
    expect(stdout).toContain('+after')
    expect(code).toBe(0)
    expect(await endOf(under, id)).toMatchObject({ status: 'done' })
    for (const name of names) expect(readFileSync(join(under.workspace, name), 'utf8')).toBe('after')
  })

  it('are decided up to a level, each with its result, and never a step of level 3', async () => {
    const names = ['batch-a.txt', 'batch-b.txt']
    for (const name of names) writeFileSync(join(under.workspace, name), 'before')
    const small = await Promise.all(names.map((name) => begin(under, `overwrite ${name} with "after"`)))
    const [large, last] = await Promise.all([begin(under, 'run `true`'), begin(under, 'publish batched on the board')])
    const [levelTwo, levelThree] = await Promise.all([askedOf(under, large), askedOf(under, last)])
    const waiting = await Promise.all(small.map((id) => askedOf(under, id)))

    const { body } = await under.approver.ask('approval.decide-many.local.approver', {
      approvals: [levelThree, { ...levelTwo, plan_hash: 'another' }].map(({ approval_id, plan_hash }) => ({
        approval_id,
        plan_hash,
      })),
      decision: 'approve',
    })
    expect(body.results).toMatchObject([
      { approval_id: levelThree.approval_id, error: { code: 'invalid_request' } },
      { approval_id: levelTwo.approval_id, error: { code: 'approval_mismatch' } },
    ])
    const all = await deedOf(under, 'approve', '--all', '--level', '1', '--yes', '--as', 'approver', '--json')
    const { results } = JSON.parse(all.stdout) as { results: { approval_id: string; status: string }[] }
    for (const { approval_id } of waiting) {
      expect(results).toContainEqual(expect.objectContaining({ approval_id, status: 'used' }))
    }
    for (const id of small) expect(await endOf(under, id)).toMatchObject({ status: 'done' })
    expect(await pendingOf(under, large)).toHaveLength(1)
    expect(await pendingOf(under, last)).toHaveLength(1)
    await deedOf(under, 'deny', '--all', '--level', '2')
    expect((await endOf(under, large)).status).toBe('denied')
    expect((await deedOf(under, 'deny', last)).code).toBe(0)
    expect(under.notes).not.toContain('batched')
  })
})

describe('a grant', () => {
  const grant = async (...args: string[]): Promise<Grant> =>
    JSON.parse((await deedOf(under, 'grant', ...args, '--as', 'approver', '--json')).stdout) as Grant

  it('lets pass what it names and nothing else, on record, until it is taken back', async () => {
    mkdirSync(join(under.workspace, 'reports'))
    for (const name of ['reports/a.txt', 'reports-b.txt']) writeFileSync(join(under.workspace, name), 'before')
    const given = await grant(
      'file.write',
      '--path',
      'reports',
      '--user',
      'user',
      '--until',
      '1h',
      '--reason',
      'nightly',
    )
    const inside = await endOf(under, await begin(under, 'overwrite reports/a.txt with "after"'))
    expect(inside).toMatchObject({ status: 'done' })
    expect(inside.timeline.filter(({ type }) => type.startsWith('approval.'))).toMatchObject([
      { type: 'approval.decided', data: { by: 'approver', grant_id: given.grant_id } },
      { type: 'approval.used' },
    ])
    const { approvals } = await under.client.call(listApprovals, { execution_id: inside.execution_id })
    expect(approvals).toMatchObject([{ status: 'used', grant_id: given.grant_id, reason: 'nightly' }])

    const outside = await begin(under, 'overwrite reports-b.txt with "after"')
    expect(await askedOf(under, outside)).toMatchObject({ grant_id: null })
    await deedOf(under, 'deny', outside)
    const { grants } = await under.client.call(listGrants, {})
    expect(grants).toMatchObject([{ grant_id: given.grant_id, uses: 1, granted_by: 'approver' }])
    expect((await deedOf(under, 'get', 'grants')).stdout).toContain('in reports for user up to level 1')

    expect(await deedOf(under, 'revoke', given.grant_id, '--as', 'approver')).toMatchObject({ code: 0 })
    const again = await begin(under, 'overwrite reports/a.txt with "later"')
    await askedOf(under, again)
    await deedOf(under, 'deny', again)
    expect((await under.client.call(listGrants, {})).grants).toEqual([])
    expect((await under.client.call(listGrants, { all: true })).grants).toMatchObject([{ revoked_by: 'approver' }])
  })

  it('never reaches level 3, nor what its giver could not approve', async () => {
    await grant('http.request', '--target', 'board', '--level', '2')
    const id = await begin(under, 'publish granted on the board')
    expect(await askedOf(under, id)).toMatchObject({ level: 3, grant_id: null })
    await deedOf(under, 'deny', id)
    const bounds = { kind: 'command.run', input: { argv: ['true'] }, level: 2, expires_at: '2100-01-01T00:00:00Z' }
    expect((await under.operator.ask('grant.put.local.trainee', bounds)).body).toMatchObject({ code: 'forbidden' })
    expect((await under.operator.ask('grant.put', { ...bounds, input: undefined })).body).toMatchObject({
      code: 'missing_field',
    })
    expect((await under.operator.ask('grant.put', { ...bounds, level: 3 })).body).toMatchObject({ path: '$.level' })
    // By the requester, for an own plan of level 2.
    expect((await under.operator.ask('grant.put', bounds)).body).toMatchObject({ granted_by: 'user' })
    const own = await begin(under, 'run `true`')
    expect(await askedOf(under, own)).toMatchObject({ level: 2 })
    await deedOf(under, 'deny', own)
    // By somebody else.
    const other = await grant('command.run', '--input', 'argv=["true"]', '--level', '2')
    expect(await endOf(under, await begin(under, 'run `true`'))).toMatchObject({ status: 'done' })
    await deedOf(under, 'revoke', other.grant_id, '--as', 'approver')
  })
})

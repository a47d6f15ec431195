import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@deed/process/until'
import type { Alert } from '@deed/proto/alert'
import type { ApprovalView } from '@deed/proto/approval'
import { headers as newHeaders } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askedOf, detailOf, endOf, pendingOf } from './follow.ts'
import { AS_APPROVER, begin, decideAs, deedOf, type MeshOfTwo, meshOfTwo } from './mesh-of-two.ts'

let under: MeshOfTwo
beforeAll(async () => {
  under = await meshOfTwo()
})
afterAll(() => under[Symbol.asyncDispose]())

describe('a plan of level 2, from a second terminal', () => {
  it('is shown whole, needs somebody else than the requester, and runs as it was shown', async () => {
    const alerts: Alert[] = []
    under.operator.nc.subscribe('alerts.local.approval-wanted', {
      callback: (_, message) => void alerts.push(message.json()),
    })
    await under.operator.nc.flush()
    const id = await begin(under, 'write "new" to plan/a.txt, then run `cp plan/a.txt plan/b.txt`')
    const approval = await askedOf(under, id)
    const shown = await deedOf(under, 'show', id)
    expect(shown.stdout).toContain('Approval is required: level 2, review of the whole plan')
    expect(shown.stdout).toMatch(/steps {5}2 steps;.* all of it can be undone\n +1\. .*\n +2\. .*\(level \d, after 1\)/)
    expect(shown.stdout).toMatch(/diff:\n.*\n.*\n.*\n +\+new/)
    expect(shown.stdout).toMatch(/expect_sandbox: \S+/)
    expect(shown.stdout).toContain('undo: what was there before is brought back')

    const unsure = await deedOf(under, 'approve', id, '--as', 'approver')
    expect(unsure).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
    const own = await deedOf(under, 'approve', id, '--yes')
    expect(own).toMatchObject({ code: 2, stderr: expect.stringContaining('self_approval') })
    expect((await detailOf(under, id)).status).toBe('waiting')

    const other = await deedOf(
      under,
      'approve',
      approval.approval_id,
      '--as',
      'approver',
      '--yes',
      '--reason',
      'looks good',
    )
    expect(other).toMatchObject({ code: 0, stdout: expect.stringContaining(approval.plan_hash) })
    const end = await endOf(under, id)
    expect(end).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(readFileSync(join(under.workspace, 'plan/b.txt'), 'utf8')).toBe('new')
    expect(end.timeline.filter(({ type }) => type.startsWith('approval.'))).toMatchObject([
      { type: 'approval.requested', data: { level: 2, plan_hash: approval.plan_hash } },
      { type: 'approval.refused', data: { by: 'user', code: 'self_approval' } },
      { type: 'approval.decided', data: { by: 'approver', reason: 'looks good' } },
      { type: 'approval.used', data: { approval_id: approval.approval_id } },
    ])
    expect(alerts.filter(({ execution_id }) => execution_id === id)).toMatchObject([
      { name: 'approval-wanted', data: { approval_id: approval.approval_id, level: 2 } },
    ])
  })

  it('runs nothing where it was denied, and says why', async () => {
    const id = await begin(under, 'write "no" to plan/denied.txt, then run `true`')
    await askedOf(under, id)
    expect(await deedOf(under, 'deny', id, '--reason', 'not on a Friday')).toMatchObject({ code: 0 })
    const end = await endOf(under, id)
    expect(end).toMatchObject({ status: 'denied', error: { message: expect.stringContaining('not on a Friday') } })
    expect(readdirSync(join(under.workspace, 'plan'))).not.toContain('denied.txt')
  })

  it('shows what changed where it became another than the one agreed to', async () => {
    const id = await begin(under, 'write "planned" to plan/drift.txt, then run `true`')
    const first = await askedOf(under, id)
    writeFileSync(join(under.workspace, 'plan/drift.txt'), 'somebody else was here')
    await decideAs(under.approver, AS_APPROVER, first)
    const second = await askedOf(under, id)
    expect(second.approval_id).not.toBe(first.approval_id)
    expect(second.actions).toMatchObject([
      { changed: [{ path: '$.expect_before', before: 'absent', after: expect.stringMatching(/^sha256:/) }] },
    ])
    // The agreement to the first plan is none to this one.
    expect((await decideAs(under.approver, AS_APPROVER, first)).body).toMatchObject({ code: 'approval_already_used' })
    expect((await decideAs(under.approver, AS_APPROVER, { ...second, plan_hash: first.plan_hash })).body).toMatchObject(
      {
        code: 'approval_mismatch',
      },
    )
    await decideAs(under.approver, AS_APPROVER, second, 'deny')
    expect((await endOf(under, id)).status).toBe('denied')
    expect(readFileSync(join(under.workspace, 'plan/drift.txt'), 'utf8')).toBe('somebody else was here')
  })
})

describe('a step of level 3', () => {
  it('is shown and asked for when those before it are done, and not sooner', async () => {
    const id = await begin(under, 'run `true`, then publish v1 on the board')
    const whole = await askedOf(under, id)
    expect(whole).toMatchObject({ level: 2, plan: { steps: [{ agreement: 'plan' }, { agreement: 'own', level: 3 }] } })
    expect(whole.plan?.point_of_no_return).toBe(whole.plan?.steps[1]?.name)
    const { rows } = await under.database.query(
      'select approval_id, plan_hash from orchestrator.approvals where execution_id = $1 and level = 3',
      [id],
    )
    expect(rows).toHaveLength(1)
    expect((await decideAs(under.approver, AS_APPROVER, rows[0])).body).toMatchObject({ code: 'not_found' })
    expect(await pendingOf(under, id)).toHaveLength(1)
    await decideAs(under.approver, AS_APPROVER, whole)

    const step = await until(async () => {
      const { body } = await under.approver.ask('approval.list.local.approver', { execution_id: id, status: 'pending' })
      return body.approvals[0] as ApprovalView | undefined
    })
    expect(step).toMatchObject({ level: 3, actions: [{ reversibility: 'irreversible' }] })
    const before = (await detailOf(under, id)).tasks.find(({ action }) => action?.kind === 'command.run')
    expect(before?.actual_status).toBe('done')
    expect(under.notes).not.toContain('v1')
    const screen = await deedOf(under, 'approve', step.approval_id, '--as', 'approver', '--yes')
    expect(screen).toMatchObject({ code: 0, stdout: expect.stringContaining('undo: CANNOT BE UNDONE') })
    expect(await endOf(under, id)).toMatchObject({ status: 'done' })
    expect(under.notes.filter((note) => note === 'v1')).toHaveLength(1)
  })

  it('is shown as it would meet the world then, and is bound to that', async () => {
    const id = await begin(under, 'run `true`, then show sample eleven')
    const whole = await askedOf(under, id)
    const planned = async () => {
      const { rows } = await under.database.query(
        'select actions, plan_hash from orchestrator.approvals where execution_id = $1 and level = 3',
        [id],
      )
      return rows[0] as Pick<ApprovalView, 'actions' | 'plan_hash'>
    }
    const { actions, plan_hash: before } = await planned()
    expect(actions).toMatchObject([{ state_before: null }])
    await decideAs(under.approver, AS_APPROVER, whole)
    const step = await until(async () => (await pendingOf(under, id)).find(({ level }) => level === 3))
    expect(step.plan_hash).not.toBe(before)
    const [shown] = step.actions
    expect(shown?.state_before).toMatch(/^rows:[0-9a-f]{64}$/)
    expect(shown?.action.expect_before).toBe(shown?.state_before)
    expect((await decideAs(under.approver, AS_APPROVER, { ...step, plan_hash: before })).body).toMatchObject({
      code: 'approval_mismatch',
    })
    await decideAs(under.approver, AS_APPROVER, step)
    expect(await endOf(under, id)).toMatchObject({ status: 'done' })
    const { rows } = await under.shelf.pool.query('delete from shelf.books where id = 8 returning id')
    expect(rows).toHaveLength(1)
  })

  it('is asked for by nobody where it is so by then', async () => {
    const id = await begin(under, 'run `true`, then show sample eleven')
    const whole = await askedOf(under, id)
    await under.shelf.pool.query('insert into shelf.books (id) values (8)')
    await decideAs(under.approver, AS_APPROVER, whole)
    const end = await endOf(under, id)
    expect(end).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(end.tasks.find(({ action }) => action?.kind === 'sql.execute')).toMatchObject({
      evidence: { outcome: 'verified', already_so: true },
    })
    expect(end.timeline.map(({ type }) => type).filter((type) => type === 'approval.requested')).toHaveLength(1)
    await under.shelf.pool.query('delete from shelf.books where id = 8')
  })

  it('says so where what cannot be undone does not come last', async () => {
    const id = await begin(under, 'publish v2 on the board, then run `true`')
    await until(async () => (await pendingOf(under, id)).length === 2)
    const step = (await pendingOf(under, id)).find(({ level }) => level === 3)
    expect(step?.actions[0]?.why).toBe('cannot be undone, and a step that may fail is not done before it')
    await decideAs(under.approver, AS_APPROVER, step as ApprovalView, 'deny')
    expect((await endOf(under, id)).status).toBe('denied')
    expect(under.notes).not.toContain('v2')
  })
})

describe('who decides', () => {
  it('is said by the subject alone, and the audit log names those who may not', async () => {
    const id = await begin(under, 'run `true`')
    const approval = await askedOf(under, id)
    const body = { approval_id: approval.approval_id, decision: 'approve' }
    const forged = await under.operator.ask('approval.decide', { ...body, approver: 'ceo' })
    expect(forged.body).toMatchObject({ code: 'unknown_field', path: '$.approver' })
    const headers = newHeaders()
    headers.set('X-Role', 'ceo')
    const { data } = await under.operator.nc.request('approval.decide', JSON.stringify(body), {
      headers,
      timeout: 60_000,
    })
    expect(JSON.parse(Buffer.from(data).toString())).toMatchObject({ code: 'self_approval' })
    expect((await under.operator.ask('approval.decide.local.trainee', body)).body).toMatchObject({ code: 'forbidden' })
    await expect(under.approver.ask('approval.decide.local.trainee', body)).rejects.toMatchObject({
      code: 'PERMISSIONS_VIOLATION',
    })
    const detail = await detailOf(under, id)
    expect(detail.status).toBe('waiting')
    expect(detail.timeline.filter(({ type }) => type === 'approval.refused')).toMatchObject([
      { data: { by: 'user', code: 'self_approval' } },
      { data: { by: 'trainee', code: 'forbidden' } },
    ])
    await decideAs(under.operator, 'approval.decide.local.trainee', approval, 'deny')
    expect((await detailOf(under, id)).status).toBe('waiting')
    await decideAs(under.approver, AS_APPROVER, approval, 'deny')
  })
})

describe('what an executor runs', () => {
  it('is the sealed action alone: changed behind the approval, or not agreed to, it does not run', async () => {
    writeFileSync(join(under.workspace, 'sealed.txt'), 'before')
    const id = await begin(under, 'overwrite sealed.txt with "after"')
    await decideAs(under.approver, AS_APPROVER, await askedOf(under, id))
    const end = await endOf(under, id)
    const task = end.tasks.find(({ task_kind }) => task_kind === 'act')?.task_id
    const client = await under.database.connect()
    const granted = async (): Promise<number> =>
      (await client.query('select from orchestrator.dispatch where task_id = $1', [task])).rowCount ?? 0
    try {
      await client.query('begin')
      await client.query(`update orchestrator.actual_state set actual_status = 'in_progress' where task_id = $1`, [
        task,
      ])
      expect(await granted()).toBe(1)
      for (const change of [
        `update orchestrator.desired_state set action_hash = 'another' where task_id = $1`,
        `update orchestrator.desired_state set level = 3 where task_id = $1`,
        `update orchestrator.desired_state set approval_id = null where task_id = $1`,
        `update orchestrator.approvals set status = 'approved' where sealed ? ($1::uuid)::text`,
        `update orchestrator.approvals set sealed = '{}' where sealed ? ($1::uuid)::text`,
      ]) {
        await client.query('savepoint before')
        await client.query(change, [task])
        expect([change, await granted()]).toEqual([change, 0])
        await client.query('rollback to savepoint before')
      }
    } finally {
      await client.query('rollback')
      client.release()
    }
  })
})

// Workflows on a real mesh, end to end: roles vote through their servers, people decide from the inbox, executors act.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { type ApprovalView, decideApproval, listApprovals } from '@deed/proto/approval'
import { type Decision, getDecision, listDecisions } from '@deed/proto/decision'
import { type ExecutionDetail, getExecution, listExecutions, requestExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { ORGANIZATION_ROLES, type OrganizationRole } from '@deed/proto/organization'
import type { PersonTask } from '@deed/proto/person'
import { listWorkflows } from '@deed/proto/workflow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, type McpClient, overHttp } from '../../test/mcp-client.ts'

const TOKEN = 'a-token-of-the-test-with-32-characters'
const folder = temporaryFolder()
const own = join(folder.path, 'own')
const opened = new AsyncDisposableStack()
const shippedFile = (path: string) => readFileSync(join(import.meta.dirname, '../../..', path), 'utf8')

let under: MeshUnderTest
const clients = new Map<OrganizationRole, McpClient>()
beforeAll(async () => {
  mkdirSync(own)
  const authority = join(folder.path, 'authority.yaml')
  const policy = join(folder.path, 'policy.yaml')
  const permits = 'deployments: { kinds: [service.start], environments: [staging] }'
  writeFileSync(policy, shippedFile('orchestrator/policy/default.yaml').replace(/^deployments:.*$/m, permits))
  writeFileSync(authority, shippedFile('organization/policy/authority.yaml').replace('total_usd: 0', 'total_usd: 2000'))
  under = opened.use(
    await meshUnderTest({
      config: `
commands: { allow: [node] }
targets:
  shop: { type: process, command: [sleep, "300"], cwd: ./workspace, environment: staging }
  web: { type: process, command: [sleep, "300"], cwd: ./workspace }
workflows: { folder: ${own} }
alerts:
  rules:
    - name: test-slots
      metric: deed_worker_slots
      labels: { capability: act }
      by: capability
      threshold: 0
      summary: There are workers.
      runbook: nothing
      workflow: { name: incident_response, set: { target: web, incident: 'slots of {{capability}}' } }
mcp:
  enabled: true
  tokens:
    - name: all
      sha256: ${createHash('sha256').update(TOKEN).digest('hex')}
      user: bot
      roles: [${ORGANIZATION_ROLES.join(', ')}]
`,
      env: { DEED_AUTHORITY: authority, DEED_POLICY: policy },
    }),
  )
  const port = readFileSync(join(under.mesh.dataDir, 'mcp-port.json'), 'utf8')
  for (const role of ORGANIZATION_ROLES)
    clients.set(role, opened.use(await connect(overHttp(`http://127.0.0.1:${port}/mcp/${role}`, TOKEN), '2026-07-28')))
})
afterAll(async () => {
  // A supervised process outlives the mesh by design.
  for (const target of ['shop', 'web']) {
    const stopped = await request({ task: `stop service ${target}` })
    await approve(stopped)
    await ends(stopped)
  }
  await opened.disposeAsync()
  folder[Symbol.dispose]()
})

// biome-ignore lint/suspicious/noExplicitAny: answers of 40 tools have no common shape
const call = (role: OrganizationRole, tool: string, args: Record<string, unknown> = {}): Promise<any> =>
  (clients.get(role) as McpClient).call(tool, args)
const person = { principal: { tenant: 'local', user: 'approver' } }
const deed = (...words: string[]) => startDeed(under.mesh.dataDir, words).ended
const request = async (asked: object): Promise<ExecutionId> =>
  (await under.client.call(requestExecution, { mode: 'background', ...asked } as never)).execution_id as ExecutionId
const read = (id: ExecutionId): Promise<ExecutionDetail> => under.client.call(getExecution, { execution_id: id })
const ends = (id: ExecutionId): Promise<ExecutionDetail> =>
  until(
    async () => {
      const found = await read(id)
      return found.finished_at === null ? undefined : found
    },
    { what: `the end of ${id}` },
  )
const inbox = (id: ExecutionId) => under.client.call(listApprovals, { execution_id: id, status: 'pending' }, person)

async function approve(id: ExecutionId): Promise<ApprovalView> {
  const approval = await until(async () => (await inbox(id)).approvals[0], { what: `an approval of ${id}` })
  await under.client.call(decideApproval, { approval_id: approval.approval_id, decision: 'approve' }, person)
  return approval
}
async function personTask(id: ExecutionId): Promise<PersonTask> {
  return until(async () => (await inbox(id)).tasks[0], { what: `a task for a person of ${id}` })
}
async function provide(id: ExecutionId, text: string): Promise<PersonTask> {
  const task = await personTask(id)
  await under.client.call(
    decideApproval,
    { approval_id: task.approval_id, decision: 'provide', result: { text } },
    person,
  )
  return task
}

/** As a program does that speaks for a role: it votes on what its inbox has. */
async function votes(role: OrganizationRole, name: string, vote: 'approve' | 'reject'): Promise<void> {
  const due = await until(
    async () => {
      const { votes_due } = await call(role, 'read_inbox')
      for (const { decision_id } of votes_due) {
        const found = await under.client.call(getDecision, { decision_id })
        if (found.subject.name === name) return found
      }
    },
    { what: `a vote of ${role} on ${name}` },
  )
  await call(role, 'cast_vote', {
    ...{ decision_id: due.decision_id, vote, confidence: 0.9 },
    ...{ rationale: 'as the design says', evidence: [due.facts[0]?.name ?? 'none'] },
  })
}
const decisionsNamed = async (name: string): Promise<Decision[]> =>
  (await under.client.call(listDecisions, { name })).decisions

const TEST = `import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import assert from 'node:assert'
test('greets', () => assert.match(readFileSync('greeting.txt', 'utf8'), /hello/))
`

describe('feature_development', () => {
  const set = {
    ...{ design: 'a file', change: 'write "hello" to greeting.txt', tests: ['node', '--test', 'greeting.test.mjs'] },
    ...{ release: 'v2', deploy: 'start service shop' },
  }

  it('goes from a vote on the design to a permitted deployment, and its feature is accepted', async () => {
    writeFileSync(join(under.workspace, 'greeting.test.mjs'), TEST)
    await expect(
      under.client.call(requestExecution, { task: 'start service shop', dry_run: true }),
    ).rejects.toMatchObject({
      code: 'precondition_failed',
    })
    const { feature_id } = await call('product_manager', 'define_feature', {
      ...{ name: 'A greeting', user_stories: ['I read hello'], business_value: 'joy' },
      acceptance_criteria: [{ text: 'greeting.txt says hello' }],
    })
    const shown = await call('product_manager', 'develop_feature', { feature_id, set })
    expect(shown.plan.map(({ kind }: { kind: string }) => kind)).toContain('decision.propose')
    const started = await call('product_manager', 'develop_feature', { feature_id, set, dry_run: false })
    const id = started.execution_id as ExecutionId
    expect(await approve(id)).toMatchObject({ level: 2, requested_by: 'product_manager' })
    expect((await provide(id, 'greeting.txt says hello')).title).toContain('A greeting')

    await until(async () => (await decisionsNamed('A greeting')).length === 1, { what: 'a proposal' })
    // Neither the person nor a role can say that it is approved: only the votes.
    expect((await inbox(id)).tasks).toEqual([])
    const task = (await read(id)).tasks.find(({ name }) => name === 'design')
    await expect(
      under.client.call(
        decideApproval,
        { approval_id: task?.task_id as never, decision: 'provide', result: { text: 'yes' } },
        person,
      ),
    ).rejects.toMatchObject({ code: 'not_found' })
    await votes('cto', 'A greeting', 'approve')
    await votes('senior_developer', 'A greeting', 'approve')

    const done = await ends(id)
    expect({ status: done.status, error: done.error, verified: done.task_verified }).toEqual({
      ...{ status: 'done', error: undefined, verified: true },
    })
    const [deployment, release] = await decisionsNamed('v2')
    expect(release).toMatchObject({ type: 'release', status: 'approved', proposed_by: 'test_lead' })
    expect(release?.facts).toContainEqual(
      expect.objectContaining({ name: 'gates_passed', value: true, source: expect.stringContaining(id) }),
    )
    expect(deployment).toMatchObject({ type: 'deployment', status: 'approved', decided_by: 'rule' })
    const made = done.timeline.filter(({ type }) => type === 'decision.made')
    expect(made.map(({ data }) => [data.name, data.status])).toEqual([
      ['design', 'approved'],
      ['release', 'approved'],
      ['permit', 'approved'],
    ])
    expect(await call('product_manager', 'accept_feature', { feature_id })).toMatchObject({ accepted: true })
  })

  it('ends denied, and undone, where the roles reject the design', async () => {
    const id = await request({
      workflow: {
        name: 'feature_development',
        set: { ...set, feature: 'A farewell', change: 'write "bye" to bye.txt' },
      },
    })
    await approve(id)
    await provide(id, 'bye.txt says bye')
    await votes('cto', 'A farewell', 'reject')
    await votes('senior_developer', 'A farewell', 'reject')
    expect(await ends(id)).toMatchObject({
      status: 'denied',
      error: { code: 'approval_denied', message: expect.stringContaining('the organization rejected architecture') },
    })
  })
})

describe('incident_response', () => {
  it('is started once by the rule of an alert, and by a role that triages, and ends with what a person says', async () => {
    const up = await request({ task: 'start service web' })
    await approve(up)
    await ends(up)
    const byAlert = await until(
      async () => {
        const { executions } = await under.client.call(listExecutions, { user: 'alerts' })
        return executions.length > 0 && executions.map((one) => one.execution_id)
      },
      { what: 'an execution that an alert started' },
    )
    expect(byAlert).toHaveLength(1)
    const triaged = await call('operations_head', 'triage_incident', {
      ...{ words: 'the web is slow', respond: { set: { target: 'web', incident: 'it is slow' } } },
    })
    expect(triaged).toMatchObject({ incident_id: expect.any(String), execution_id: expect.any(String) })
    for (const id of [...byAlert, triaged.execution_id] as ExecutionId[]) {
      await approve(id)
      // It was planned before the service ran: what is found otherwise than it was approved is asked about again.
      await until(
        async () => {
          const { approvals, tasks } = await inbox(id)
          if (approvals.length > 0) await approve(id)
          return tasks.length > 0
        },
        { what: `a task for a person of ${id}` },
      )
      const task = await provide(id, 'the disk was full; alert on it')
      expect(task.title).toMatch(id === triaged.execution_id ? 'it is slow' : 'slots of act')
      const done = await ends(id)
      expect(done).toMatchObject({ status: 'done', task_verified: true })
      expect(done.tasks.find(({ name }) => name === 'restore')).toMatchObject({
        ...{ title: 'restart web', evidence: { outcome: 'verified' } },
      })
    }
  })
})

describe('strategic_planning', () => {
  it('over the limit is decided by a person in the inbox, whose answer is taken at once', async () => {
    const { stdout } = await deed(
      ...['workflow', 'run', 'strategic_planning', '--json', '--background'],
      ...['--set', 'initiative=Own data center', '--set', 'direction=Own machines', '--set', 'value=Independence'],
      ...['--set', 'amount=900000'],
    )
    const id = JSON.parse(stdout).execution_id as ExecutionId
    await approve(id)
    await votes('senior_architect', 'Own data center', 'approve')
    await votes('senior_developer', 'Own data center', 'approve')
    const budget = await until(
      async () =>
        (await decisionsNamed('Own data center')).find(
          (one) => one.type === 'strategic_initiative' && one.execution_id,
        ),
      { what: 'a question to a person' },
    )
    expect(budget).toMatchObject({ status: 'pending', mode: 'human' })
    const task = await provide(budget.execution_id as ExecutionId, 'yes')
    expect(task).toMatchObject({ requested_by: 'ceo', title: expect.stringContaining('900000 dollars') })
    const done = await ends(id)
    expect(done).toMatchObject({ status: 'done' })
    expect(done.tasks.find(({ name }) => name === 'budget')?.evidence).toMatchObject({
      observed: expect.stringContaining('decided by approver'),
    })
    expect(readFileSync(join(under.workspace, 'strategy.md'), 'utf8')).toContain('900000 dollars')
  })
})

describe('deed workflow', () => {
  it('lists and shows workflows, and says what a run lacks', async () => {
    const listed = await deed('workflow', 'list', '--json')
    expect(JSON.parse(listed.stdout).workflows.map(({ name }: { name: string }) => name)).toEqual([
      ...['feature_development', 'incident_response', 'strategic_planning'],
    ])
    expect((await deed('workflow', 'show', 'incident_response')).stdout).toContain('restart service {{target}}')
    const lacking = await deed('workflow', 'run', 'incident_response')
    expect(lacking).toMatchObject({ code: 2, stderr: expect.stringContaining('the parameter target is missing') })
    const strange = await deed('workflow', 'run', 'incident_response', '--set', 'targt=web')
    expect(strange.stderr).toContain('there is no parameter "targt"; known are target, incident, restore')
    const wrong = ['--set', 'initiative=x', '--set', 'direction=x', '--set', 'value=x', '--set', 'amount=much']
    expect((await deed('workflow', 'run', 'strategic_planning', ...wrong)).stderr).toMatch(
      /workflows\/strategic_planning\.yaml:\d+: subject\.amount must be a finite number/,
    )
    const plan = await deed('workflow', 'run', 'incident_response', '--set', 'target=web', '--dry-run')
    expect(plan.stdout).toContain('service.restart')
  })

  it('names file and line of an unknown role, type, kind, parameter or task, and does not run it', async () => {
    const file = (task: string) => `about: x\ntasks:\n  - id: one\n    action:\n      ${task}\n`
    const proposing = (by: string, type: string, more = '') =>
      `{ kind: decision.propose, input: { by: ${by}, type: ${type}, subject: { name: x }, rationale: x${more} } }`
    const wrong: [task: string, fault: string][] = [
      [proposing('cmo', 'standard'), 'unknown role "cmo"; did you mean'],
      [proposing('cto', 'party'), 'unknown type of decision "party"; known are strategic_initiative'],
      [proposing('cto', 'standard', ', shown_by: { a: [two] }'), 'the task does not depend on "two"'],
      ['{ kind: lamp.blow, input: {} }', 'unknown kind "lamp.blow"'],
      ['{ kind: file.write, input: { path: "{{where}}" } }', 'unknown parameter "where"; there is none'],
    ]
    for (const [task, fault] of wrong) {
      writeFileSync(join(own, 'broken.yaml'), file(task).replace('\n      {', ' {'))
      const { workflows } = await under.client.call(listWorkflows, { name: 'broken' })
      expect(workflows[0]?.faults[0]).toMatch(/^own\/broken\.yaml:[34]: /)
      expect(workflows[0]?.faults[0]).toContain(fault)
      await expect(under.client.call(requestExecution, { workflow: { name: 'broken' } })).rejects.toMatchObject({
        code: 'invalid_manifest',
        message: expect.stringContaining(fault),
      })
    }
    const { stdout, stderr } = await deed('workflow', 'list')
    expect(stdout + stderr).toContain('own/broken.yaml:')
    await expect(under.client.call(requestExecution, { workflow: { name: 'incident_responce' } })).rejects.toThrow(
      'did you mean "incident_response"?',
    )
  })
})

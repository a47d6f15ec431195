// What each user of a real nats-server may do, and what the server refuses.

import { SERVICES } from '@deed/proto/contract'
import { CONTRACTS } from '@deed/proto/contracts'
import { MESH_PERMISSIONS } from '@deed/proto/permissions'
import { AckPolicy, connect, DiscardPolicy, type NatsConnection, RetentionPolicy, StorageType } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EmbeddedNats, type NatsUser, startNats } from './nats.ts'
import { temporaryFolder } from './temporary-folder.ts'

const opened = new AsyncDisposableStack()
let nats: EmbeddedNats

beforeAll(async () => {
  const folder = opened.use(temporaryFolder())
  nats = opened.use(await startNats({ dataDir: folder.path }))
  await using admin = await as('deed')
  const jsm = await admin.nc.jetstreamManager()
  await jsm.streams.add({ name: 'OTHER', subjects: ['other.>'], storage: StorageType.Memory })
  await jsm.consumers.add('OTHER', { durable_name: 'other', ack_policy: AckPolicy.Explicit })
  await using bootstrap = await as('bootstrap')
  await (await bootstrap.nc.jetstreamManager()).streams.add({
    name: 'EXECUTION_INTAKE_local',
    subjects: ['execution.submit', 'execution.submit.local.*'],
    retention: RetentionPolicy.Workqueue,
    discard: DiscardPolicy.New,
  })
  await (await bootstrap.nc.jetstreamManager()).consumers.add('EXECUTION_INTAKE_local', {
    durable_name: 'orchestrator',
    ack_policy: AckPolicy.Explicit,
  })
  await using orchestrator = await as('orchestrator')
  const work = await orchestrator.nc.jetstreamManager()
  await work.streams.add({
    name: 'WORK',
    subjects: ['work.>'],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.Memory,
  })
  for (const [consumer, filter] of [
    ['executor', 'work.act.>'],
    ['hybrid-agent', 'work.solve.>'],
  ] as const) {
    await work.consumers.add('WORK', {
      durable_name: consumer,
      filter_subject: filter,
      ack_policy: AckPolicy.Explicit,
    })
  }
})
afterAll(() => opened.disposeAsync())

/** No service may publish this, so its refusal proves that everything before it was processed. */
const MARK = 'mark.of.the.test'

interface Session extends AsyncDisposable {
  nc: NatsConnection
  /** The subjects that the server has refused so far. */
  refused(): Promise<string[]>
}

async function as(user: NatsUser, inboxPrefix = nats.credentials(user).inboxPrefix): Promise<Session> {
  const nc = await connect({ servers: nats.url, ...nats.credentials(user), inboxPrefix })
  const subjects: string[] = []
  void (async () => {
    for await (const { permissionContext } of nc.status())
      if (permissionContext) subjects.push(permissionContext.subject)
  })()
  return {
    nc,
    async refused() {
      nc.publish(MARK)
      await expect.poll(() => subjects, { interval: 2 }).toContain(MARK)
      return subjects.filter((subject) => subject !== MARK)
    },
    [Symbol.asyncDispose]: () => nc.close(),
  }
}

async function may(user: NatsUser, operation: 'publish' | 'subscribe', subject: string): Promise<boolean> {
  await using session = await as(user)
  if (operation === 'publish') session.nc.publish(subject)
  else session.nc.subscribe(subject, { callback: () => undefined })
  return !(await session.refused()).includes(subject)
}

describe('the permissions of a service', () => {
  it.each(CONTRACTS.filter(({ type }) => type === 'request'))(
    'lets $owner answer $subject',
    async ({ owner, subject }) => {
      expect(await may(owner, 'subscribe', subject)).toBe(true)
      expect(await may(owner, 'subscribe', `${subject}.*.*`)).toBe(true)
    },
  )

  it.each(SERVICES)(
    'lets %s run as a micro service that answers, reports its status and returns errors',
    async (service) => {
      await using provider = await as(service)
      await using caller = await as('deed')
      const [pattern = ''] = MESH_PERMISSIONS[service].subscribe
      const subject = pattern.replace('>', 'probe').replace('*', 'probe')
      const micro = await provider.nc.services.add({ name: service, version: '1.0.0' })
      micro.addEndpoint('probe', {
        subject,
        handler: (_error, message) => {
          if (message.string() === 'fail') message.respondError(409, 'conflict')
          else message.respond('done')
        },
      })
      await provider.nc.flush()
      expect((await caller.nc.request(subject, 'work', { timeout: 60_000 })).string()).toBe('done')
      const failure = await caller.nc.request(subject, 'fail', { timeout: 60_000 })
      expect(failure.headers?.get('Nats-Service-Error-Code')).toBe('409')
      const ping = await caller.nc.request(`$SRV.PING.${service}`, '', { timeout: 60_000 })
      expect(ping.json()).toMatchObject({ name: service })
      expect(await provider.refused()).toEqual([])
    },
  )

  it('lets the orchestrator call the services, in its own name and in that of a principal', async () => {
    for (const subject of ['cache.get', 'template.select', 'task.decompose', 'agent.process', 'action.inspect']) {
      expect(await may('orchestrator', 'publish', subject)).toBe(true)
      expect(await may('orchestrator', 'publish', `${subject}.acme.ann`)).toBe(true)
    }
  })

  it('lets one replica of the orchestrator answer requests that another received, from inside and outside', async () => {
    await using received = await as('orchestrator')
    await using answering = await as('orchestrator')
    received.nc.subscribe('execution.request.*.*', {
      callback: (_error, { reply = '', subject }) => answering.nc.publish(reply, `late answer to ${subject}`),
    })
    await received.nc.flush()
    for (const [user, subject, name] of [
      ['client', 'execution.request', 'execution.request.local.user'],
      ['approver', 'execution.request', 'execution.request.local.approver'],
      ['deed', 'execution.request.acme.ann', 'execution.request.acme.ann'],
    ] as const) {
      await using caller = await as(user)
      await using plain = await as(user, '_INBOX')
      for (const { nc } of [caller, plain]) {
        const answer = await nc.request(subject, '', { timeout: 10_000 })
        expect(answer.string()).toBe(`late answer to ${name}`)
      }
    }
    expect(await answering.refused()).toEqual([])
  })

  it('carries a submission from the client through the intake to the orchestrator', async () => {
    await using client = await as('client')
    await using orchestrator = await as('orchestrator')
    await client.nc.jetstream().publish('execution.submit', 'bare')
    await client.nc.jetstream().publish('execution.submit.local.user', 'named')
    const intake = await orchestrator.nc.jetstream().consumers.get('EXECUTION_INTAKE_local', 'orchestrator')
    for (const expected of ['bare', 'named']) {
      const message = await intake.next({ expires: 5_000 })
      expect(message?.string()).toBe(expected)
      expect(await message?.ackAck()).toBe(true)
    }
    expect(await orchestrator.refused()).toEqual([])
  })

  it.each([
    ['executor', 'work.act.local'],
    ['hybrid-agent', 'work.solve.local'],
  ] as const)('lets %s take its work, extend it, and acknowledge it', async (worker, subject) => {
    await using orchestrator = await as('orchestrator')
    await using session = await as(worker)
    orchestrator.nc.publish(subject, 'do it')
    const queue = await session.nc.jetstream().consumers.get('WORK', worker)
    const message = await queue.next({ expires: 5_000 })
    expect(message?.string()).toBe('do it')
    message?.working()
    message?.working()
    expect(await message?.ackAck()).toBe(true)
    expect(await session.refused()).toEqual([])
  })
})

describe('a refused permission', () => {
  it.each<[NatsUser, 'publish' | 'subscribe', string]>([
    ['client', 'publish', 'work.act.local'],
    ['client', 'publish', 'task.report'],
    ['client', 'publish', 'approval.decide'],
    ['client', 'publish', 'approval.decide.local.user'],
    ['client', 'publish', 'execution.request.local.approver'],
    ['client', 'publish', 'execution.request.acme.user'],
    ['client', 'publish', 'event.execution.local.1'],
    ['client', 'publish', 'cache.put'],
    ['client', 'publish', '$JS.API.INFO'],
    ['client', 'publish', '$JS.API.STREAM.DELETE.WORK'],
    ['client', 'subscribe', '>'],
    ['client', 'subscribe', 'execution.request'],
    ['client', 'subscribe', '_INBOX_orchestrator.>'],
    ['approver', 'publish', 'work.act.local'],
    ['approver', 'publish', 'approval.decide.local.user'],
    ['approver', 'publish', 'execution.request.local.user'],
    ['approver', 'publish', '$JS.API.INFO'],
    ['orchestrator', 'publish', 'action.http.execute'],
    ['orchestrator', 'publish', 'task.report'],
    ['orchestrator', 'publish', '$JS.API.STREAM.DELETE.EXECUTION_INTAKE_local'],
    ['orchestrator', 'publish', '$JS.API.CONSUMER.MSG.NEXT.OTHER.other'],
    ['executor', 'publish', 'task.report'],
    ['executor', 'publish', 'task.report.mesh.hybrid-agent'],
    ['executor', 'publish', 'worker.heartbeat.mesh.hybrid-agent'],
    ['executor', 'publish', 'work.act.local'],
    ['executor', 'publish', 'approval.decide'],
    ['executor', 'publish', 'execution.request'],
    ['executor', 'publish', 'cache.put'],
    ['executor', 'publish', 'event.execution.local.1'],
    ['executor', 'publish', '$JS.API.STREAM.DELETE.WORK'],
    ['executor', 'publish', '$JS.API.STREAM.PURGE.WORK'],
    ['executor', 'publish', '$JS.API.CONSUMER.CREATE.WORK.mine'],
    ['executor', 'publish', '$JS.API.CONSUMER.MSG.NEXT.WORK.hybrid-agent'],
    ['executor', 'publish', '$JS.ACK.WORK.hybrid-agent.1.1.1.1.0'],
    ['executor', 'subscribe', 'work.>'],
    ['executor', 'subscribe', '_INBOX.>'],
    ['executor', 'subscribe', '_INBOX_hybrid-agent.>'],
    // Another role, what only another role's tools ask, what only a person decides, and no name at all.
    ['mcp-ceo', 'publish', 'organization.propose-decision.local.cto'],
    ['mcp-ceo', 'publish', 'organization.cast-vote.local.test_lead'],
    ['mcp-ceo', 'publish', 'organization.accept-feature.local.ceo'],
    ['mcp-ceo', 'publish', 'execution.request.local.ceo'],
    ['mcp-ceo', 'publish', 'approval.decide.local.ceo'],
    ['mcp-ceo', 'publish', 'organization.propose-decision'],
    ['mcp-ceo', 'subscribe', '_INBOX_mcp-cto.>'],
    ['mcp-ceo', 'subscribe', 'event.execution.local.1'],
    ['mcp-test-lead', 'publish', 'execution.request.local.user'],
    ['mcp', 'publish', 'organization.cast-vote.local.ceo'],
    ['provider', 'publish', 'action.lamp-switch.execute'],
    ['provider', 'publish', 'task.report'],
    ['provider', 'subscribe', 'action.inspect'],
    ['provider', 'subscribe', 'work.>'],
    ['hybrid-agent', 'publish', 'task.report.mesh.executor'],
    ['hybrid-agent', 'publish', 'work.solve.local'],
    ['hybrid-agent', 'publish', 'action.http.execute'],
    ['hybrid-agent', 'publish', 'approval.decide'],
    ['hybrid-agent', 'publish', 'cache.put'],
    ['task-decomposer', 'publish', 'task.report'],
    ['template-optimizer', 'publish', 'task.report'],
    ['semantic-cache', 'publish', 'execution.request'],
    ['semantic-cache', 'subscribe', 'task.report'],
    ['bootstrap', 'publish', 'work.act.local'],
    ['bootstrap', 'subscribe', 'execution.>'],
  ])('%s: %s %s', async (user, operation, subject) => {
    expect(await may(user, operation, subject)).toBe(false)
  })

  it('hides the reply to one user from others', async () => {
    await using provider = await as('task-decomposer')
    await using eavesdropper = await as('executor')
    await using caller = await as('orchestrator')
    const overheard: string[] = []
    eavesdropper.nc.subscribe('_INBOX_orchestrator.>', {
      callback: (error, message) => error ?? overheard.push(message.string()),
    })
    provider.nc.subscribe('task.decompose', { callback: (_error, message) => message.respond('secret') })
    await Promise.all([eavesdropper.nc.flush(), provider.nc.flush()])
    expect((await caller.nc.request('task.decompose', '', { timeout: 60_000 })).string()).toBe('secret')
    expect(await eavesdropper.refused()).toEqual(['_INBOX_orchestrator.>'])
    expect(overheard).toEqual([])
  })
})

/** What NATS and PostgreSQL can do by themselves, here and now: figures of the mesh are read against these. */
import { join } from 'node:path'
import { startNats } from '@deed/local/nats'
import { startPostgres } from '@deed/local/postgres'
import { ensureIntake } from '@deed/mesh/work-queue'
import { SUBMIT_SUBJECT } from '@deed/proto/execution'
import { LOCAL } from '@deed/proto/ids'
import { connect, createInbox, type NatsConnection } from 'nats'
import pg from 'pg'
import { startChild } from './child-process.ts'
import { freshFolder } from './fresh-folder.ts'
import { latencyFigures, load } from './load.ts'
import { costFigures, countCosts } from './process-costs.ts'
import type { ResponderJob, ResponderMessage } from './responder.ts'
import type { Line, Scenario, Settings } from './scenario.ts'

export const natsRoundTrip: Scenario = {
  name: 'limit.nats_rtt',
  summary: 'request and reply between two processes, 1 and 64 in flight',
  ofTheMachine: true,
  run: askOverNats,
}

export const postgresCommit: Scenario = {
  name: 'limit.pg_commit',
  summary: 'commits of one row, over 1, 8 and 32 connections',
  ofTheMachine: true,
  run: commitRows,
}

export const jetstreamPublish: Scenario = {
  name: 'limit.jetstream_publish',
  summary: 'publishes that are on disk before they are acknowledged, 1 and 64 in flight',
  ofTheMachine: true,
  run: publishDurably,
}

const PAYLOAD = JSON.stringify({ task: 'x'.repeat(200) })
const REQUEST_MS_MAX = 5_000
const WARM_UP_MS_MAX = 1_000
/** One that the one may ask and the other may answer, by their permissions. */
const SUBJECT = 'action.inspect'

async function askOverNats(settings: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const folder = opened.use(freshFolder())
  const nats = opened.use(await startNats({ dataDir: folder.path }))
  const responder = opened.use(
    await startChild<ResponderJob, ResponderMessage>(new URL('./responder.ts', import.meta.url)),
  )
  responder.send({ url: nats.url, subject: SUBJECT, ...nats.credentials('executor') })
  await responder.next('ready')
  const user = nats.credentials('orchestrator')
  const connection = await connect({ servers: nats.url, ...user })
  opened.defer(() => connection.close())
  const ask = bareRequests(connection, user.inboxPrefix)
  const roots = { nats: nats.pid, responder: responder.pid }
  return [
    await measured(natsRoundTrip, settings, { in_flight: 1 }, { inFlight: 1, roots, once: ask }),
    await measured(natsRoundTrip, settings, { in_flight: 64 }, { inFlight: 64, roots, once: ask }),
  ]
}

/** Requests with nothing around them: one inbox for all, and a table of who waits. */
function bareRequests(connection: NatsConnection, inboxPrefix: string): () => Promise<void> {
  const inbox = createInbox(inboxPrefix)
  const waiting = new Map<string, () => void>()
  let last = 0
  connection.subscribe(`${inbox}.*`, { callback: (_, { subject }) => waiting.get(subject)?.() })
  return () =>
    new Promise((resolve, reject) => {
      const reply = `${inbox}.${++last}`
      const late = setTimeout(() => reject(new Error(`no answer within ${REQUEST_MS_MAX} ms`)), REQUEST_MS_MAX)
      waiting.set(reply, () => {
        waiting.delete(reply)
        clearTimeout(late)
        resolve()
      })
      connection.publish(SUBJECT, PAYLOAD, { reply })
    })
}

async function commitRows(settings: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const folder = opened.use(freshFolder())
  const postgres = opened.use(await startPostgres({ dataDir: join(folder.path, 'postgres') }))
  const admin = new pg.Client({ connectionString: postgres.url })
  await admin.connect()
  opened.defer(() => admin.end())
  await admin.query('create table rows (number bigint generated always as identity, words text)')
  const lines: Line[] = []
  for (const connections of [1, 8, 32]) {
    const pool = new pg.Pool({ connectionString: postgres.url, max: connections })
    // A connection that is closing is told when the server stops.
    pool.on('error', () => undefined)
    const insert = async (): Promise<void> => {
      await pool.query({ name: 'insert', text: 'insert into rows (words) values ($1)', values: [PAYLOAD] })
    }
    const roots = { postgres: postgres.pid }
    lines.push(
      await measured(postgresCommit, settings, { connections }, { inFlight: connections, roots, once: insert }),
    )
    await pool.end()
  }
  return lines
}

async function publishDurably(settings: Settings, opened: AsyncDisposableStack): Promise<Line[]> {
  const folder = opened.use(freshFolder())
  const nats = opened.use(await startNats({ dataDir: folder.path }))
  const bootstrap = await connect({ servers: nats.url, ...nats.credentials('bootstrap') })
  opened.defer(() => bootstrap.close())
  await ensureIntake(bootstrap, LOCAL.tenant)
  const connection = await connect({ servers: nats.url, ...nats.credentials('deed') })
  opened.defer(() => connection.close())
  const jetstream = connection.jetstream()
  const publish = async (): Promise<void> => {
    await jetstream.publish(SUBMIT_SUBJECT, PAYLOAD, { timeout: REQUEST_MS_MAX })
  }
  const roots = { nats: nats.pid }
  return [
    await measured(jetstreamPublish, settings, { in_flight: 1 }, { inFlight: 1, roots, once: publish }),
    await measured(jetstreamPublish, settings, { in_flight: 64 }, { inFlight: 64, roots, once: publish }),
  ]
}

async function measured(
  { name }: Scenario,
  { seconds: wanted }: Settings,
  facts: Record<string, number>,
  { inFlight, roots, once }: { inFlight: number; roots: Record<string, number>; once: () => Promise<void> },
): Promise<Line> {
  await load(inFlight, Math.min(wanted * 1000, WARM_UP_MS_MAX), once)
  const ended = countCosts(roots)
  const loaded = await load(inFlight, wanted * 1000, once)
  return { scenario: name, ...latencyFigures(loaded), ...costFigures(ended(), loaded.latencies.length), ...facts }
}

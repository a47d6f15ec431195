import { statfs } from 'node:fs/promises'
import { counted } from '@deed/config/counted'
import type { Bus, Handler } from '@deed/mesh/bus'
import { foreignStreams } from '@deed/mesh/foreign-streams'
import { permissionsEnforced } from '@deed/mesh/permissions-enforced'
import type { Check, examineOrchestrator as contract } from '@deed/proto/doctor'
import { DURABLE } from '@deed/store/store-probes'
import type { WorkQueues } from '../dispatch/keep-work-queues.ts'
import { migrations } from '../store/migrations.ts'
import type { Database } from '../store/schema.ts'

interface Dependencies {
  db: Database
  bus: Bus
  queues: WorkQueues
  reportsRefused: { readonly count: number }
}

const POSTGRES_MIN = 150_000
const SKEW_MS_MAX = 1_000
const DEGRADED_MINUTES = 10
/** Without these a power cut loses committed data, or a disk fault goes unnoticed. */
const SOUND = { ...DURABLE, data_checksums: 'on' } as const

export function examineOrchestrator({ db, bus, queues, reportsRefused }: Dependencies): Handler<typeof contract> {
  return async () => {
    const checks = await Promise.all([
      ...[server(db), standbys(db), clock(db), schema(db), roles(db), workers(db), sizes(db), degraded(db)],
    ])
    const nats = await Promise.all([permissions(bus), strangers(bus), replicas(bus)])
    return {
      checks: [
        ...checks.flat(),
        streams(queues),
        ...lost(queues),
        ...forged(reportsRefused),
        ...nats,
        ...(await disk()),
      ],
    }
  }
}

async function server(db: Database): Promise<Check[]> {
  const names = [...Object.keys(SOUND), 'server_version_num', 'server_version', 'transaction_read_only']
  const rows = await db.query<{ name: string; value: string | null }>(
    'orchestrator.settings',
    'select name, current_setting(name, true) as value from unnest($1::text[]) as name',
    [names],
  )
  const settings = new Map(rows.map(({ name, value }) => [name, value]))
  const version = settings.get('server_version') ?? 'unknown'
  const weak = Object.entries(SOUND).filter(([name, value]) => settings.get(name) !== value)
  return [
    Number(settings.get('server_version_num')) >= POSTGRES_MIN
      ? { name: 'postgresql', status: 'ok', message: `PostgreSQL ${version} answers` }
      : { name: 'postgresql', status: 'problem', message: `PostgreSQL ${version} answers`, advice: 'use 15 or newer' },
    settings.get('transaction_read_only') === 'off'
      ? { name: 'postgresql.writable', status: 'ok', message: 'it is writable' }
      : {
          name: 'postgresql.writable',
          status: 'problem',
          message: 'it is read-only',
          advice: 'connect to the primary',
        },
    weak.length === 0
      ? { name: 'postgresql.durability', status: 'ok', message: 'durability: commits survive a power cut' }
      : {
          name: 'postgresql.durability',
          status: 'problem',
          message: `durability: weak, since ${weak.map(([name]) => `${name} is ${settings.get(name)}`).join(', ')}`,
          advice: durabilityAdvice(weak.map(([name]) => name)),
        },
  ]
}

/** Checksums are a property of the data files, which a running server cannot change. */
function durabilityAdvice(weak: readonly string[]): string {
  const settings = weak.filter((name) => name !== 'data_checksums').map((name) => `ALTER SYSTEM SET ${name} = on;`)
  return [
    ...(settings.length > 0
      ? [
          `run as a superuser, each on its own: ${settings.join(' ')} SELECT pg_reload_conf(); remove overrides by ALTER ROLE, ALTER DATABASE or the command line`,
        ]
      : []),
    ...(weak.length > settings.length
      ? ['stop the server, run pg_checksums --enable -D <its data folder> of its version, and start it']
      : []),
  ].join('; ')
}

/** Said only where the primary has standbys. Their number is all that an ordinary role sees of them. */
export async function standbys(db: Database): Promise<Check[]> {
  const [row] = await db.query<{ standbys: number; named: string }>(
    'orchestrator.standbys',
    `select count(*)::int as standbys, current_setting('synchronous_standby_names') as named from pg_stat_replication`,
    [],
  )
  if (row === undefined || row.standbys === 0) return []
  const name = 'postgresql.standbys'
  const message = `${counted(row.standbys, 'connection')} of standbys`
  if (row.named !== '') return [{ name, status: 'ok', message: `${message}, and commits wait for ${row.named}` }]
  return [
    {
      name,
      status: 'warning',
      message: `${message}, for which no commit waits: one that is promoted may lack what was acknowledged`,
      advice:
        "run as a superuser: ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'; and then SELECT pg_reload_conf();",
    },
  ]
}

async function clock(db: Database): Promise<Check> {
  const askedAt = Date.now()
  const [row] = await db.query<{ ms: number }>(
    'orchestrator.clock',
    `select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`,
    [],
  )
  const now = Date.now()
  // A skew within the round trip cannot be measured.
  const skewMs = Math.max(0, Math.abs((row?.ms ?? 0) - (askedAt + now) / 2) - (now - askedAt) / 2)
  const message = `the clocks of this host and of the database are ${Math.round(skewMs)} ms apart`
  return skewMs <= SKEW_MS_MAX
    ? { name: 'clock', status: 'ok', message }
    : { name: 'clock', status: 'warning', message, advice: 'synchronise both with NTP' }
}

async function schema(db: Database): Promise<Check> {
  const rows = await db.query<{ name: string }>('orchestrator.migrations', 'select name from kysely_migration', [])
  const applied = new Set(rows.map(({ name }) => name))
  const missing = Object.keys(migrations).filter((name) => !applied.has(name))
  return missing.length === 0
    ? { name: 'migrations', status: 'ok', message: `applied: ${counted(applied.size, 'migration')}` }
    : {
        name: 'migrations',
        status: 'problem',
        message: `migrations are missing: ${missing.join(', ')}`,
        advice: 'start an orchestrator with DATABASE_OWNER_URL',
      }
}

async function roles(db: Database): Promise<Check> {
  const [row] = await db.query<{ role: string; superuser: boolean; may_change: boolean }>(
    'orchestrator.rights',
    `select current_user as role, (select rolsuper from pg_roles where rolname = current_user) as superuser,
            has_table_privilege('audit_log', 'UPDATE, DELETE, TRUNCATE') as may_change`,
    [],
  )
  const message = `the orchestrator works as ${row?.role}`
  if (!row?.superuser && !row?.may_change) return { name: 'roles', status: 'ok', message }
  return {
    name: 'roles',
    status: 'warning',
    message: `${message}, which ${row.superuser ? 'is a superuser' : 'may change the audit log'}`,
    advice: 'let `deed up` create the roles, or give each service its own role as it does',
  }
}

async function workers(db: Database): Promise<Check[]> {
  const rows = await db.query<{ capability: string; workers: number; slots: number }>(
    'orchestrator.workers',
    `select capability, count(*)::int as workers, sum(slots)::int as slots from agents
      where status in ('idle', 'busy') and last_seen > now() - interval '10 seconds' group by capability`,
    [],
  )
  const found = new Map(rows.map((row) => [row.capability, row]))
  return ['act', 'solve'].map((capability): Check => {
    const row = found.get(capability)
    const name = `workers.${capability}`
    if (row) return { name, status: 'ok', message: `${row.workers} with ${row.slots} slots` }
    const service = capability === 'act' ? 'executor' : 'hybrid-agent'
    return {
      name,
      status: 'problem',
      message: `no worker takes work for ${capability}`,
      advice: `start the ${service}`,
    }
  })
}

async function sizes(db: Database): Promise<Check> {
  const rows = await db.query<{ name: string; bytes: string }>(
    'orchestrator.sizes',
    `select n.nspname || '.' || c.relname as name, pg_total_relation_size(c.oid)::text as bytes
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast'
      order by pg_total_relation_size(c.oid) desc limit 100`,
    [],
  )
  const [last] = await db.query<{ at: Date; outcome: { pruned?: number } }>(
    'orchestrator.last_retention',
    `select at, outcome from retention_runs where name = 'executions'`,
    [],
  )
  const tables = Object.fromEntries(rows.map(({ name, bytes }) => [name, Number(bytes)]))
  const total = Object.values(tables).reduce((sum, bytes) => sum + bytes, 0)
  const pruned = last ? `; last pruned at ${last.at.toISOString()}` : ''
  return {
    name: 'sizes',
    status: 'ok',
    message: `all tables together have ${megabytes(total)} MB${pruned}`,
    data: tables,
  }
}

/** The same services as in the answers of those executions. */
async function degraded(db: Database): Promise<Check[]> {
  const rows = await db.query<{ service: string; count: number }>(
    'orchestrator.degraded',
    `select service, count(*)::int as count from executions cross join unnest(degraded) as service
      -- Ids begin with their time.
      where execution_id > (lpad(to_hex((extract(epoch from now() - interval '${DEGRADED_MINUTES} minutes') * 1000)::bigint),
                                 12, '0') || repeat('0', 20))::uuid
      group by service order by service`,
    [],
  )
  return rows.map(({ service, count }) => ({
    name: `degraded.${service}`,
    status: 'warning',
    message: `${counted(count, 'execution')} of the last ${DEGRADED_MINUTES} minutes had to do without it`,
    advice: `if it runs, look at the log of the ${service}; else start it`,
  }))
}

const streams = (queues: WorkQueues): Check => {
  const missing = queues.missing()
  return missing.length === 0
    ? { name: 'streams', status: 'ok', message: 'the work queues and the intake are complete' }
    : { name: 'streams', status: 'problem', message: missing.join('; '), advice: 'run the bootstrap, or `deed up`' }
}

const lost = (queues: WorkQueues): Check[] =>
  queues.lost().map(({ tenant, count }) => ({
    name: `intake.${tenant}`,
    status: 'warning',
    message: `at least ${count} acknowledged submissions of ${tenant} were lost with the storage of its intake stream`,
    advice: 'submit them again, with the same keys; keep the storage of NATS on a durable disk',
  }))

const forged = ({ count }: { readonly count: number }): Check[] =>
  count === 0
    ? []
    : [
        {
          name: 'reports',
          status: 'warning',
          message: `${count} reports that the executor's ledger contradicts were refused since the orchestrator started`,
          advice:
            'find in the log of the orchestrator which worker sent them; somebody else may have the password of the NATS user executor: give it another',
        },
      ]

async function strangers({ nc }: Bus): Promise<Check> {
  const name = 'streams.others'
  const found = await foreignStreams(nc)
  if (found.length === 0) return { name, status: 'ok', message: 'no other stream captures the subjects of requests' }
  return {
    name,
    status: 'problem',
    message: found.join('; '),
    advice:
      'remove those subjects from the stream, or set no_ack: a caller may mistake its acknowledgement for an answer',
  }
}

/** Whether a server of a cluster may fail without a stream that is lost. */
async function replicas({ nc }: Bus): Promise<Check> {
  const name = 'streams.replicas'
  const cluster = nc.info?.cluster
  if (cluster === undefined) return { name, status: 'ok', message: 'one server keeps the streams; there is no cluster' }
  const jsm = await nc.jetstreamManager()
  const streams = await Promise.all((await jsm.streams.names().next()).map((stream) => jsm.streams.info(stream)))
  const alone = streams.filter(({ config }) => config.num_replicas === 1).map(({ config }) => config.name)
  const behind = streams.flatMap(({ config, cluster }) =>
    (cluster?.replicas ?? [])
      .filter(({ current, offline }) => offline || !current)
      .map((server) => `${server.name} ${server.offline ? 'is away' : 'is behind'} with ${config.name}`),
  )
  if (alone.length > 0)
    return {
      name,
      status: 'warning',
      message: `one server of the cluster ${cluster} keeps ${alone.join(', ')}; if it fails, nothing is submitted or handed out`,
      advice: 'set streams.replicas of execution.yaml to 3, run deed prepare, and restart the orchestrators',
    }
  return behind.length === 0
    ? {
        name,
        status: 'ok',
        message: `each stream has ${streams[0]?.config.num_replicas} replicas in the cluster ${cluster}`,
      }
    : { name, status: 'warning', message: behind.join('; '), advice: 'start that server, or look at its log' }
}

async function permissions({ nc }: Bus): Promise<Check> {
  const name = 'nats.permissions'
  if (await permissionsEnforced(nc)) {
    const message =
      'NATS denies what is not in the table; a caller gets a permissions violation, and its request has no answer'
    return { name, status: 'ok', message }
  }
  return {
    name,
    status: 'warning',
    message:
      'NATS denies the orchestrator nothing: all identities are one, and anybody who reaches the server can act as anyone',
    advice:
      'configure the accounts that `deed info --nats-config` prints, and start `deed up` with the same NATS_PASSWORD_* as the server; a service that is started by itself gets NATS_USER and NATS_PASSWORD of its own',
  }
}

async function disk(): Promise<Check[]> {
  const { bavail, bsize } = await statfs('.')
  const free = bavail * bsize
  const message = `${megabytes(free)} MB are free where the orchestrator runs`
  return free > 512 * 1024 * 1024
    ? [{ name: 'disk.orchestrator', status: 'ok', message }]
    : [{ name: 'disk.orchestrator', status: 'warning', message, advice: 'free some space' }]
}

const megabytes = (bytes: number): number => Math.round(bytes / 1024 / 1024)

/** docs/scaling.md: what a mesh carries, by simulation with recorded times. */
import { LOG, loadAt, type Mesh, RECORDED, type ServiceTimes, simulate } from '../bench/simulate-scaling.ts'
import { table } from './table.ts'

const SHARE = 0.8
const SEED = 1

const MESHES: readonly (Mesh & { name: string })[] = [
  { name: 'one of each', replicas: 1, shards: 1, databaseCores: 2, natsCores: 2 },
  { name: 'ten of each', replicas: 10, shards: 1, databaseCores: 16, natsCores: 8 },
  { name: 'a hundred of each', replicas: 100, shards: 1, databaseCores: 32, natsCores: 16 },
  { name: 'a hundred of each, tenants on four databases', replicas: 100, shards: 4, databaseCores: 32, natsCores: 64 },
]

const NAMES: Record<keyof ServiceTimes, string> = {
  orchestrator: 'orchestrator',
  executor: 'executor',
  thinking: 'agent, optimizer, decomposer and cache',
  postgresql: 'PostgreSQL',
  nats: 'NATS',
  log: 'the log of PostgreSQL',
}

const parts = Object.keys(RECORDED) as (keyof ServiceTimes)[]

function carried(mesh: Mesh & { name: string }): string[] {
  const { perSecond, p50Ms, p99Ms, busiest } = simulate(mesh, loadAt(mesh, SHARE), { seed: SEED })
  return [
    mesh.name,
    `${mesh.shards === 1 ? '' : `${mesh.shards} x `}${mesh.databaseCores}`,
    String(mesh.natsCores),
    Number(perSecond.toPrecision(2)).toLocaleString('en'),
    `${p50Ms.toFixed(1)} ms`,
    `${p99Ms.toFixed(1)} ms`,
    NAMES[busiest.part as keyof ServiceTimes],
  ]
}

export const scalingPage = (): string => `# Scaling

What one PostgreSQL and one NATS cluster carry, where the limits lie, and what raises them. [Performance](performance.md) says how the
costs are measured, [deployment](deployment.md#clusters) how servers are made a cluster.

## What an execution costs

One verified \`file.write\` by a rule with 64 in flight, on a core of the machine of [operations](operations.md#figures). The split among
the parts was recorded while other programs kept that machine busy (\`cpu_by_process\`), and is scaled to the 4.5 CPU-s for a thousand
of those figures:

${table(
  ['part', 'CPU of an execution'],
  parts.filter((part) => part !== 'log').map((part) => [NAMES[part], `${RECORDED[part]} ms`]),
)}

Besides: 0.5 commits, ${LOG.kB} kB of WAL and 11 messages. Processes of Node use one core each; PostgreSQL and NATS use as many as they have. Longer actions
take a slot of an executor and no more of the rest. A model costs what its provider asks, and nothing of the mesh.

## What a mesh carries

Simulated, not measured: executions arrive by chance, each visit of a part takes a core for a time by chance with the mean of the
table, and waits where all are busy; the disk of a primary is assumed to write ${LOG.mbPerSecond} MB of WAL in a second. The load is the one at which the part that is busiest works ${SHARE * 100} % of the time. The times are what
waiting for cores and the log adds up to; the latency of a commit and of the network comes on top, as in the [figures](operations.md#figures).
It knows nothing of locks between replicas, or of what many replicas ask of PostgreSQL besides executions.

${table(['replicas', 'cores of PostgreSQL', 'cores of NATS', 'executions a second', 'p50', 'p99', 'limit'], MESHES.map(carried))}

\`test/bench/simulate-scaling.ts\` is the simulation; \`npm run docs\` makes this table of it again.

## Limits, in the order in which they are met

| limit                       | why                                                             | what raises it                                                                      |
| --------------------------- | --------------------------------------------------------------- | ----------------------------------------------------------------------------------- |
| one orchestrator            | one core decides                                                | another replica: each execution belongs to whichever claims it                      |
| slots of executors          | an action holds a slot for as long as it takes                  | \`workers.max_concurrent_tasks\`, another executor; KEDA does so by the ready tasks   |
| a target                    | \`rate_limit\` and concurrency keys of the target                 | nothing: it is what protects the target                                             |
| connections of PostgreSQL   | six of each process with tables                                 | \`max_connections\`; a pooler has to keep sessions, since statements are prepared     |
| the log of one PostgreSQL   | one primary writes it, and a commit waits for the disk          | faster disks; statements of many executions share a commit; then another database   |
| the core of a NATS server   | messages of the mesh are small, and each server routes its own  | a larger server, then a cluster: services spread over it by themselves              |
| a stream with three replicas | one leader a stream, and an acknowledgement waits for two disks | a stream for each tenant, whose leaders are on different servers                    |
| rows                        | lists and statistics [do not grow](performance.md#what-does-not-grow) | \`retention\` bounds the size                                                    |

## Partition by tenant

What tenants share, and from where on each has its own:

1. **A stream each.** The intake has a stream for each tenant: \`deed prepare --tenant\`, and \`ORCHESTRATOR_TENANTS\` of the orchestrators
   that consume it. PostgreSQL is shared, and waiting work is taken from tenants in turn, so that one with much does not delay the others.
2. **A database each.** A group of tenants gets a mesh of its own: a database (on the same PostgreSQL, or another), its services, and an
   account on the same NATS cluster. Nothing in a mesh knows of another, so nothing but NATS is shared. To move a tenant there, put a
   backup of the whole mesh into the new one, and let each consume its own tenants only.
3. **A cluster each.** With a NATS cluster of its own a mesh is apart in every respect; a leaf node may bring its callers in.

One execution never leaves its mesh, so there is no transaction over two of them, and no number of shards that has to be fixed at the
beginning.
`

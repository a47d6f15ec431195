/** What the mesh says of itself: its NATS server, the services that are there, and what each of them sees. */

import { schemaFaults } from '@deed/local/schema-faults'
import { type ServerStatus, statusByMonitoring, statusBySystemAccount } from '@deed/local/server-status'
import { storeFault } from '@deed/local/store-fault'
import type { Bus } from '@deed/mesh/bus'
import { SERVICES } from '@deed/proto/contract'
import { type Check, examineAgent, examineExecutor, examineOrchestrator } from '@deed/proto/doctor'
import { DeedError } from '@deed/proto/errors'
import { type Address, enterMesh, findMesh } from '../connect/connection.ts'
import { instancesOf } from '../connect/instances.ts'
import type { Shell } from '../connect/shell.ts'
import { UnreachableError } from '../terminal/exit-code.ts'

const NATS_MIN = [2, 14] as const

export async function checkMesh({ env, dataDir }: Pick<Shell, 'env' | 'dataDir'>): Promise<Check[]> {
  let address: Address
  let entered: Bus
  try {
    address = findMesh(env, dataDir)
    entered = await enterMesh(env, address)
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error
    const [message = '', ...advice] = error.message.split('\n')
    return [{ name: 'mesh', status: 'problem', message, advice: advice.join(' ') || 'start it, or check NATS_URL' }]
  }
  await using bus = entered
  const status = statusOf(env, address)
  const { database_url: database } = address
  const found = await instancesOf(bus)
  const parts = await Promise.all([
    natsServer(bus),
    natsDurability(status),
    natsStore(status),
    services(found),
    database === undefined ? [] : schemas(database),
    ...[examineOrchestrator, examineExecutor, examineAgent].map((contract) =>
      examined(bus, contract, found.get(contract.owner) ?? []),
    ),
  ])
  return parts.flat()
}

function natsServer({ nc }: Bus): Check[] {
  const { version = '0.0.0', jetstream = false } = nc.info ?? {}
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const fits = major > NATS_MIN[0] || (major === NATS_MIN[0] && minor >= NATS_MIN[1])
  const message = `nats-server ${version}`
  return [
    fits
      ? { name: 'nats', status: 'ok', message }
      : { name: 'nats', status: 'problem', message, advice: `use ${NATS_MIN.join('.')} or newer` },
    jetstream
      ? { name: 'nats.jetstream', status: 'ok', message: 'JetStream is on' }
      : {
          name: 'nats.jetstream',
          status: 'problem',
          message: 'JetStream is off',
          advice: 'add `jetstream {}` to its configuration, or start it with -js',
        },
  ]
}

/** A server elsewhere tells what is not in its greeting only at its monitoring port, where that is open to this host. */
function statusOf(
  { DEED_NATS_MONITORING_URL: monitoring }: NodeJS.ProcessEnv,
  { nats_url, nats_system_login }: Address,
): ServerStatus | undefined {
  if (monitoring) return statusByMonitoring(monitoring)
  return nats_system_login && statusBySystemAccount(nats_url, nats_system_login)
}

async function natsDurability(status: ServerStatus | undefined): Promise<Check[]> {
  const name = 'nats.durability'
  if (status === undefined) {
    const message = 'durability: cannot be seen from here, since only the monitoring port says how often it syncs'
    const advice =
      'set DEED_NATS_MONITORING_URL, such as http://127.0.0.1:8222 for a server that was started with `http: "127.0.0.1:8222"`'
    return [{ name, status: 'warning', message, advice }]
  }
  try {
    const { jetstream } = await status('varz')
    const { sync_always: always, sync_interval: nanoseconds = 0 } = jetstream?.config ?? {}
    if (always === true) return [{ name, status: 'ok', message: 'durability: it syncs before it acknowledges' }]
    return [
      {
        name,
        status: 'problem',
        message: `durability: weak, since it acknowledges before it syncs, which it does every ${nanoseconds / 1e9} s`,
        advice: 'set `sync_interval: always` in the jetstream section of its configuration, and restart it',
      },
    ]
  } catch (error) {
    const message = `it does not say how often it syncs: ${error instanceof Error ? error.message : error}`
    return [{ name, status: 'warning', message, advice: 'check DEED_NATS_MONITORING_URL' }]
  }
}

/** Said only where something is wrong: a server that does not answer is named already. */
async function natsStore(status: ServerStatus | undefined): Promise<Check[]> {
  const fault = status === undefined ? undefined : await storeFault(status).catch(() => undefined)
  if (fault === undefined) return []
  const advice = 'free some space on the disk of NATS; an embedded server then continues by itself, restart any other'
  return [
    { name: 'nats.store', status: 'problem', message: `NATS keeps nothing more: ${fault}`.slice(0, 4_096), advice },
  ]
}

function services(found: Awaited<ReturnType<typeof instancesOf>>): Check[] {
  return SERVICES.map((service): Check => {
    const instances = found.get(service) ?? []
    const name = `service.${service}`
    if (instances.length === 0)
      return { name, status: 'problem', message: 'it does not run', advice: `start ${service}` }
    const distinct = [...new Set(instances.map(({ version }) => version))]
    const message = `${instances.length} of version ${distinct.join(' and ')}`
    if (distinct.length === 1) return { name, status: 'ok', message }
    return { name, status: 'warning', message, advice: 'let all run the same version' }
  })
}

/** Of services that do not run too, which is why they may not. Not said where the database does not answer this command. */
async function schemas(database: string): Promise<Check[]> {
  const faults = await schemaFaults(database).catch(() => [])
  return faults.map(({ service, fault }) => {
    const [message = '', ...advice] = fault.split('; ')
    return { name: `schema.${service}`, status: 'problem' as const, message, advice: advice.join('; ') }
  })
}

/** What each instance says; what several say alike is said once, with whose it is. */
async function examined(
  bus: Bus,
  contract: typeof examineOrchestrator | typeof examineExecutor | typeof examineAgent,
  instances: readonly { id: string }[],
): Promise<Check[]> {
  if (instances.length <= 1) return examine(bus, contract, undefined)
  const said = new Map<string, Check & { instances: string[] }>()
  const checks = await Promise.all(instances.map(({ id }) => examine(bus, contract, id)))
  for (const [index, { id }] of instances.entries()) {
    for (const check of checks[index] ?? []) {
      const { name, status, message } = check
      const key = JSON.stringify([name, status, message])
      said.set(key, { ...check, instances: [...(said.get(key)?.instances ?? []), id] })
    }
  }
  const names = [...new Set(checks.flat().map(({ name }) => name))]
  return [...said.values()].sort((one, other) => names.indexOf(one.name) - names.indexOf(other.name))
}

async function examine(bus: Bus, contract: Parameters<typeof examined>[1], instance: string | undefined) {
  try {
    return (await bus.call(contract, {}, { patient: false, instance })).checks
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    const name = contract.owner
    return [{ name, status: 'problem' as const, message: error.message, advice: `look at the log of the ${name}` }]
  }
}

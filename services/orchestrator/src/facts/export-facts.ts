/**
 * The facts about the whole mesh, exported by one orchestrator, so that sums over all of them are true; and the alert
 * rules, which that one evaluates against them.
 *
 * The session that reads the facts holds an advisory lock. It ends with the process, and the next replica takes over.
 */
import type { Bus } from '@deed/mesh/bus'
import { every, type Periodic } from '@deed/process/every'
import type { AlertRule } from '@deed/proto/alert-rules'
import { type FactName, METRICS, type MetricFacts } from '@deed/proto/metrics'
import type { Log } from '@deed/telemetry/logger'
import type { Fact, MetricRegistry } from '@deed/telemetry/metric-registry'
import type { Pool, PoolClient } from 'pg'
import { evaluateRules } from '../alerts/evaluate-rules.ts'
import { raiseNotice } from '../alerts/raise-notice.ts'
import { readBudget, readFacts, takeExport } from '../store/facts.ts'
import { readRuleStates, readSilences, writeRuleStates } from '../store/rule-states.ts'
import type { Database } from '../store/schema.ts'
import { meshFacts } from './mesh-facts.ts'

const EVERY_MS = 15_000

export interface FactSources {
  bus: Bus
  tenants: readonly string[]
  /** Whether models have a budget a day. */
  budget: boolean
}

interface Dependencies extends FactSources {
  db: Database
  /** One connection, which is taken for as long as the lock is held. */
  session: { pool: Pool }
  log: Log
  /** Undefined where metrics are not served: the rules are evaluated all the same. */
  registry: MetricRegistry | undefined
  rules: readonly AlertRule[]
}

/** Disposing gives the lock back. */
export function exportFacts(dependencies: Dependencies): Periodic {
  const { session, registry, log } = dependencies
  let held: PoolClient | undefined

  const release = (broken: boolean): void => {
    held?.release(broken)
    held = undefined
  }
  const hold = async (): Promise<PoolClient | undefined> => {
    if (held) return held
    held = await session.pool.connect()
    if (await takeExport(held)) {
      log.info('this orchestrator exports the facts about the mesh')
      return held
    }
    release(false)
    return undefined
  }
  const pass = async (): Promise<void> => {
    try {
      const client = await hold()
      if (!client) return
      await exportOnce(dependencies, client)
    } catch (error) {
      // What is known may be old, and another replica may have the lock already.
      registry?.setFacts(undefined)
      release(true)
      throw error
    }
  }
  const running = every(EVERY_MS, pass, { failed: 'exporting the facts failed', log, firstMs: 0 })
  return {
    hurry: running.hurry,
    again: running.again,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      release(true)
    },
  }
}

async function exportOnce({ db, registry, rules, log, ...sources }: Dependencies, client: PoolClient): Promise<void> {
  const known = await databaseFacts(client, sources.budget)
  const answers = await meshFacts(sources.bus, sources.tenants).catch((error: unknown) => {
    log.warn({ err: error }, 'NATS does not answer: no alert rule is evaluated')
    return undefined
  })
  const facts = [...known, ...(answers ?? [])]
  if (!answers) return registry?.setFacts(facts)
  const [states, silences] = await Promise.all([readRuleStates(db), readSilences(db)])
  const silenced = new Set(silences.map(({ name }) => name))
  const evaluated = evaluateRules({ rules, facts, states, silenced, now: Date.now() })
  // Before the states: a repeat has the same id, so it is delivered once.
  for (const notice of evaluated.notices) raiseNotice(sources.bus, notice)
  if (JSON.stringify(evaluated.states) !== JSON.stringify(states)) await writeRuleStates(db, evaluated.states)
  registry?.setFacts([...facts, ...openAlerts(evaluated.states)])
}

/** All facts, as this process sees them now. @throws if the database or JetStream does not answer */
export async function readAllFacts(db: Database, { bus, tenants, budget }: FactSources): Promise<Fact[]> {
  const client = await db.pool.connect()
  try {
    const [known, answers, states] = await Promise.all([
      databaseFacts(client, budget),
      meshFacts(bus, tenants),
      readRuleStates(db),
    ])
    return [...known, ...answers, ...openAlerts(states)]
  } finally {
    client.release()
  }
}

async function databaseFacts(client: PoolClient, budget: boolean): Promise<Fact[]> {
  return withZeros([...(await readFacts(client)), ...(budget ? await readBudget(client) : [])])
}

function openAlerts(states: readonly { rule: string; fired_at: number | null }[]): Fact[] {
  const open = Map.groupBy(
    states.filter(({ fired_at }) => fired_at !== null),
    ({ rule }) => rule,
  )
  return [...open].map(([name, { length }]) => ({ name: 'deed_alerts_open', labels: { name }, value: length }))
}

const FROM_NATS: readonly FactName[] = ['deed_intake_pending', 'deed_redelivered_pending', 'deed_services']

/** A value that is not there is 0: a rule must see that nobody works, and a counter that it is still 0. */
function withZeros(facts: readonly Fact[]): Fact[] {
  const found = new Map(ZEROS.map((fact) => [keyOf(fact), fact]))
  for (const fact of facts) found.set(keyOf(fact), fact)
  return [...found.values()]
}

const keyOf = ({ name, labels }: Fact): string => JSON.stringify([name, Object.entries(labels).sort()])

const ZEROS: readonly Fact[] = (Object.entries(METRICS) as [FactName, MetricFacts][]).flatMap(([name, metric]) =>
  metric.of === 'process' || metric.only !== undefined || FROM_NATS.includes(name)
    ? []
    : combinations(Object.entries(metric.labels ?? {})).map((labels) => ({ name, labels, value: 0 })),
)

/** Every combination of the known values; none for a label whose values are not known before. */
function combinations(labels: [label: string, values: unknown][]): Record<string, string>[] {
  return labels.reduce<Record<string, string>[]>(
    (all, [label, values]) =>
      Array.isArray(values) ? all.flatMap((one) => values.map((value) => ({ ...one, [label]: String(value) }))) : [],
    [{}],
  )
}

/**
 * Proposes the decisions that tasks wait for, as the roles that they name, and reads what came of them.
 *
 * The proposal has the task's key, so that a repeat is the same decision; the organization reports when it is decided, and
 * what counts is what it then has in its tables.
 */
import type { Bus } from '@deed/mesh/bus'
import { jsonOf } from '@deed/mesh/read-payload'
import type { AlertRule } from '@deed/proto/alert-rules'
import { decisionEvent, getDecision, proposeDecision } from '@deed/proto/decision'
import { type DecisionTaskInput, decisionTaskKey, taskOfKey } from '@deed/proto/decision-task'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionId, TaskId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import type { Fact } from '@deed/proto/organization'
import type { Log } from '@deed/telemetry/logger'
import { LRUCache } from 'lru-cache'
import type { Driver } from '../dispatch/drive.ts'
import { onBehalfOf } from '../execution/on-behalf-of.ts'
import { proposalOf } from '../execution/person-task.ts'
import type { Snapshot } from '../execution/snapshot.ts'
import { readRuleStates } from '../store/rule-states.ts'
import type { Database } from '../store/schema.ts'

const QUEUE = 'decisions'
/** A decision that stays open is not asked for more often, in milliseconds, however often its execution is checked. */
const AGAIN_MS = 30_000
const ASKED_MAX = 10_000

interface Dependencies {
  readonly db: Database
  readonly bus: Bus
  readonly log: Log
  readonly driver: Driver
  readonly rules: readonly AlertRule[]
}

export interface Proposing extends Disposable {
  /** Asks, unless it did a moment ago; what is decided becomes an input of the execution. */
  propose(id: ExecutionId, taskId: TaskId): void
}

export function proposeDecisions({ db, bus, log, driver, rules }: Dependencies): Proposing {
  const asked = new LRUCache<string, true>({ max: ASKED_MAX, ttl: AGAIN_MS })

  const ask = async (id: ExecutionId, taskId: TaskId): Promise<void> => {
    const snapshot = await driver.peek(id)
    const task = snapshot.tasks.get(taskId)
    const proposal = task && proposalOf(task)
    if (!proposal || task.actual_status !== 'pending' || task.started_at === null) return
    const startedAt = task.started_at
    const { by, shown_by, type, subject, rationale, mode } = proposal
    const options = { ...onBehalfOf(snapshot.execution), principal: { tenant: snapshot.execution.tenant, user: by } }
    try {
      const facts = [...shownBy(snapshot, shown_by), ...(await incidents(db, rules))]
      const key = decisionTaskKey(id, taskId, startedAt)
      const proposed = { type, subject, rationale, facts, key, ...defined({ mode }) }
      const { decision_id, status } = await bus.call(proposeDecision, proposed, options)
      if (status !== 'approved' && status !== 'rejected') return
      const made = await bus.call(getDecision, { decision_id }, options)
      await driver.apply(id, { type: 'decision', taskId, startedAt, made })
    } catch (error) {
      if (!(error instanceof DeedError) || error.retryable) throw error
      await driver.apply(id, { type: 'decision', taskId, startedAt, made: { refused: error.body } })
    }
  }

  const propose = (id: ExecutionId, taskId: TaskId): void => {
    if (asked.has(taskId)) return
    asked.set(taskId, true)
    ask(id, taskId).catch((error: unknown) => {
      asked.delete(taskId)
      log.warn({ err: error, execution_id: id }, 'asking for a decision failed; the resync will retry')
    })
  }

  // One of the replicas hears it; a report that is lost is made up for by the next check of the execution.
  const decided = bus.nc.subscribe(decisionEvent.subject.replace('*.*', '*.completed'), {
    queue: QUEUE,
    callback(error, msg) {
      if (error !== null) return
      const { data } = decisionEvent.payload.safeParse(jsonOf(msg))
      const of = taskOfKey(data?.key ?? null)
      if (!of) return
      asked.delete(of.taskId)
      propose(of.executionId, of.taskId)
    },
  })
  return { propose, [Symbol.dispose]: () => decided.unsubscribe() }
}

/** Computed from the tasks of the execution alone: nobody can say that a test passed which did not. */
function shownBy({ execution, tasks }: Snapshot, names: DecisionTaskInput['shown_by']): Fact[] {
  return Object.entries(names).map(([name, of]) => {
    const value = of.every((node) => {
      const found = [...tasks.values()].filter((task) => task.name === node || task.name.startsWith(`${node}.`))
      return found.length > 0 && found.every((task) => task.verification?.outcome === 'verified')
    })
    return factOf(name, value, `execution ${execution.execution_id}, tasks ${of.join(', ')}`)
  })
}

async function incidents(db: Database, rules: readonly AlertRule[]): Promise<Fact[]> {
  const severities = new Map(rules.map(({ name, severity }) => [name, severity]))
  const firing = (await readRuleStates(db)).filter(({ fired_at }) => fired_at !== null)
  const critical = firing.some(({ rule }) => severities.get(rule) === 'critical')
  return [factOf('alerts_firing', firing.length, 'alert.list'), factOf('no_open_incidents', !critical, 'alert.list')]
}

const factOf = (name: string, value: Fact['value'], source: string): Fact => ({
  ...{ name, value, source: source.slice(0, 256) },
  as_of: new Date().toISOString(),
})

/**
 * The handlers' surroundings: a real PostgreSQL and a real NATS server. The test stands in for the executor, so that an
 * execution stays in the status that it was brought to.
 */
import { join } from 'node:path'
import { canonicalJson } from '@deed/json/canonical-json'
import { type TestBus, testBus } from '@deed/local/test-bus'
import type { Handler, RequestScope } from '@deed/mesh/bus'
import { ServedSpan } from '@deed/mesh/served-span'
import { checkInputs, inspectAction, inspectUndo } from '@deed/proto/action'
import type { RequestContract } from '@deed/proto/contract'
import { WordsRequest } from '@deed/proto/execution'
import type { ExecutionId, Principal } from '@deed/proto/ids'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { createLogger } from '@deed/telemetry/logger'
import type { z } from 'zod'
import { type Driver, openDriver } from '../src/dispatch/drive.ts'
import { admissionOf, emptySnapshot, newExecution } from '../src/execution/new-execution.ts'
import type { Choosing } from '../src/people/choose-reading.ts'
import type { Planning } from '../src/planning/plan-work.ts'
import type { RollingBack } from '../src/planning/roll-back.ts'
import { type Policy, readPolicy } from '../src/policy/policy.ts'
import { type Clock, clockOf } from '../src/store/clock.ts'
import { openAdmissions } from '../src/store/executions.ts'
import { migrations } from '../src/store/migrations.ts'
import type { Schema } from '../src/store/schema.ts'

const tenant = 'local'
/** `approver` may approve every level, `other` none. */
export const PEOPLE = {
  requester: { tenant, user: 'ada' },
  other: { tenant, user: 'bob' },
  approver: { tenant, user: 'carol' },
  stranger: { tenant: 'elsewhere', user: 'ada' },
} satisfies Record<string, Principal>
export interface World extends Choosing, RollingBack {
  db: TestDatabase<Schema>
  planning: Planning
  driver: Driver
  clock: Clock
  admit: ReturnType<typeof openAdmissions>
  mesh: TestBus
}

/** What it opens is closed with `opened`. */
export async function openWorld(opened: AsyncDisposableStack): Promise<World> {
  const db = opened.use(await testDatabase<Schema>('orchestrator', migrations))
  // A stand-in for the executor's ledger, which has every attempt that is reported.
  await db.query('executor', 'create schema executor', [])
  await db.query(
    'current_attempts',
    'create table executor.current_attempts (tenant text, action_id uuid, token bigint, intent text, attempt_key uuid, outcome text)',
    [],
  )
  const mesh: TestBus = opened.use(await testBus())
  const executor = await mesh.bus('executor')
  executor.serve(checkInputs, async () => ({ fault: null }))
  executor.serve(inspectAction, async ({ actions }) => ({
    inspections: actions.map(({ kind, input }) => ({
      inspection: {
        ...{ effect: 'delete' as const, reversibility: 'reversible' as const, already_so: false },
        ...{ state_before: 'sha256=1', summary: `${kind} ${canonicalJson(input)}`, resolved: input },
      },
    })),
  }))
  executor.serve(inspectUndo, async () => ({ actions: [] }))
  const bus = await mesh.bus('orchestrator')
  const log = createLogger('orchestrator')
  const clock = clockOf(db)
  await clock.synchronise()
  const policy: Policy = {
    ...readPolicy(join(import.meta.dirname, '../policy/default.yaml')),
    self_approval: false,
    approvers: { bob: 0 },
  }
  const driver = openDriver({
    ...{ db, bus, log, clock, leaseMs: 600_000, policyVersion: policy.version, autoRollback: false },
    capacity: {
      ...{ take: () => true, release: () => undefined, announce: () => undefined },
      room: async () => () => undefined,
    } as never,
    rates: { mayBegin: () => true, began: () => undefined } as never,
    decisions: { isHeld: () => false },
    paceOf: () => 'long',
    writes: () => [],
    workQueues: { checkNow: () => undefined },
    moved: () => undefined,
    reportsRefused: { count: 0 },
    look: () => undefined,
    propose: () => undefined,
    ended: () => undefined,
  })
  const planning: Planning = {
    ...{
      bus,
      policy,
      secrets: {},
      now: clock.now,
      grants: async () => [],
      permits: async () => false,
      holdOn: async () => undefined,
    },
    workspaces: { workspaces: {} } as never,
  }
  const admit = openAdmissions(db)
  const config = { targets: {}, workspaces: {}, secrets: {} } as never
  return { db, bus, driver, planning, policy, clock, admit, config, goals: async () => [], mesh }
}

/** An execution of ada's, without a plan. */
export async function beginExecution({ admit, driver, clock }: World, task: string): Promise<ExecutionId> {
  const request = WordsRequest.parse({ task })
  const trace = '00-00000000000000000000000000000001-0000000000000001-00'
  const execution = newExecution({ request, principal: PEOPLE.requester, trace }, clock.now())
  await admit(admissionOf(execution, { principal: PEOPLE.requester, waiter: undefined }))
  driver.know(emptySnapshot(execution))
  return execution.execution_id
}

/** As the bus calls a handler. */
export function ask<C extends RequestContract>(handler: Handler<C>, principal: Principal, input: z.output<C['input']>) {
  const served = new ServedSpan('process', {}, false)
  return handler(input, { principal, served, log: createLogger('orchestrator') } as unknown as RequestScope)
}

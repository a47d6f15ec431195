// Rules for all contracts, checked for new ones automatically.
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import * as action from './action.ts'
import * as agent from './agent.ts'
import * as alert from './alert.ts'
import * as approval from './approval.ts'
import * as audit from './audit.ts'
import * as cache from './cache.ts'
import * as code from './code.ts'
import * as consoleContracts from './console.ts'
import type { Contract } from './contract.ts'
import { CONTRACTS } from './contracts.ts'
import * as decision from './decision.ts'
import * as doctor from './doctor.ts'
import * as execution from './execution.ts'
import * as executionHistory from './execution-history.ts'
import * as findId from './find-id.ts'
import * as goal from './goal.ts'
import * as grant from './grant.ts'
import { logLevel } from './log-level.ts'
import * as manifest from './manifest.ts'
import * as metricSamples from './metric-samples.ts'
import * as model from './model.ts'
import * as organization from './organization.ts'
import * as organizationNotes from './organization-notes.ts'
import * as organizationWork from './organization-work.ts'
import * as person from './person.ts'
import * as provider from './provider.ts'
import * as rules from './rules.ts'
import * as schedule from './schedule.ts'
import * as steering from './steering.ts'
import * as task from './task.ts'
import * as template from './template.ts'
import * as worker from './worker.ts'
import * as workflow from './workflow.ts'

const exported = [
  action,
  agent,
  alert,
  approval,
  audit,
  cache,
  code,
  consoleContracts,
  decision,
  doctor,
  execution,
  executionHistory,
  findId,
  goal,
  grant,
  logLevel,
  manifest,
  metricSamples,
  model,
  organization,
  organizationNotes,
  organizationWork,
  person,
  provider,
  rules,
  schedule,
  steering,
  task,
  template,
  worker,
  workflow,
].flatMap((module) => Object.values(module).filter((value) => isContract(value)))

function isContract(value: unknown): value is Contract {
  return typeof value === 'object' && value !== null && 'subject' in value && 'owner' in value
}

/** Contracts between services; two releases may run at the same time. */
const BETWEEN_SERVICES: readonly Contract[] = [
  ...[task.decomposeTask, task.reportTask, task.heartbeatWorker, agent.processTask, agent.workSolve, model.embedTexts],
  ...[rules.learnSentence, rules.unlearnSentence],
  ...[template.selectTemplate, template.getTemplate, template.recordTemplate],
  ...[cache.getCache, cache.reserveCache, cache.putCache, cache.releaseCache, cache.judgeCache],
  ...[action.workAct, action.inspectAction, action.checkInputs, action.inspectUndo, action.forgetActions],
  ...[provider.observeProvided, provider.executeProvided, provider.compensateProvided],
]

describe('the contracts', () => {
  it('between services accept fields of later releases', () => {
    for (const contract of BETWEEN_SERVICES) {
      const schema =
        contract.type === 'request' ? contract.input : contract.type === 'work' ? contract.payload : z.any()
      expect(z.toJSONSchema(schema, { io: 'input' }), contract.subject).not.toMatchObject({
        additionalProperties: false,
      })
    }
  })

  it('are all in the list', () => {
    expect(exported.map(({ subject }) => subject).sort()).toEqual(CONTRACTS.map(({ subject }) => subject).sort())
  })

  it('have distinct subjects of lower-case tokens', () => {
    const subjects = CONTRACTS.map(({ subject }) => subject)
    expect(new Set(subjects).size).toBe(subjects.length)
    for (const subject of subjects) expect(subject).toMatch(/^[a-z]+(\.([a-z]+(-[a-z]+)*|\*))+$/)
  })

  // `<subject>.<tenant>.<user>` of one must never match another one.
  it('have subjects of which none is a prefix of another', () => {
    for (const a of CONTRACTS) {
      for (const b of CONTRACTS)
        expect(b.subject.startsWith(`${a.subject}.`), `${a.subject} and ${b.subject}`).toBe(false)
    }
  })

  it('have a default deadline and a summary', () => {
    for (const contract of CONTRACTS) {
      expect(contract.summary).toMatch(/\.$/)
      if (contract.type === 'request') expect(contract.timeoutMs).toBeGreaterThan(0)
    }
  })
})

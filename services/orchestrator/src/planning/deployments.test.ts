// A permit is for one release, and a plan that decides about a deployment first needs none yet.
import { Action } from '@deed/proto/action'
import type { ExecutionId, TaskId } from '@deed/proto/ids'
import { describe, expect, it } from 'vitest'
import { newTask } from '../execution/new-task.ts'
import { isDecidedBefore, releasesOf } from './deployments.ts'

const ID = '01890000-0000-7000-8000-000000000001' as ExecutionId
const rollout = (image?: string) =>
  Action.parse({ kind: 'kubernetes.rollout', input: { target: 'shop', ...(image && { image }) } })

describe('the release that an action deploys', () => {
  it('is its image, the tag of it, or its digest', () => {
    expect(releasesOf(rollout('registry:5000/shop:v2'))).toEqual(['registry:5000/shop:v2', 'v2'])
    expect(releasesOf(rollout('shop@sha256:ab'))).toEqual(['shop@sha256:ab', 'sha256:ab'])
    expect(releasesOf(rollout('shop:v2@sha256:ab'))).toEqual(['shop:v2@sha256:ab', 'v2', 'sha256:ab'])
    expect(releasesOf(rollout('registry:5000/shop'))).toEqual(['registry:5000/shop'])
  })

  it('is unknown where its input names none', () => {
    expect(releasesOf(rollout())).toBeUndefined()
    expect(releasesOf(Action.parse({ kind: 'service.restart', input: { target: 'shop' } }))).toBeUndefined()
  })
})

describe('a plan that decides about a deployment', () => {
  const proposing = (name: string, type = 'deployment') =>
    Action.parse({
      kind: 'decision.propose',
      input: { by: 'cto', type, subject: { name, environments: ['staging'] }, rationale: 'x' },
    })
  const decidedFor = (
    decision: Action,
    {
      releases,
      environment = 'staging',
      after = true,
    }: {
      releases?: string[]
      environment?: string
      after?: boolean
    },
  ): boolean => {
    const ids = ['1', '2', '3'].map((end) => `01890000-0000-7000-8000-00000000010${end}` as TaskId)
    const plan = [decision, Action.parse({ kind: 'wait.until', input: {} }), rollout('shop:v2')].map(
      (action, index) => ({
        action,
        task: newTask(
          { tenant: 'local', execution_id: ID },
          {
            ...{
              task_id: ids[index] as TaskId,
              position: index,
              name: `t${index}`,
              title: 't',
              task_kind: 'act' as const,
            },
            ...{ capability: 'act' as const, priority: 5, level: 0, now: 0 },
            dependencies: index === 0 || !after ? [] : [ids[index - 1] as TaskId],
          },
        ),
      }),
    )
    return isDecidedBefore({ environment, releases }, (plan[2] as (typeof plan)[0]).task, plan)
  }

  it('needs no permit yet for what comes after the decision, of that release and environment', () => {
    expect(decidedFor(proposing('v2'), { releases: ['shop:v2', 'v2'] })).toBe(true)
    expect(decidedFor(proposing('any'), {})).toBe(true)
  })

  it.each([
    ['another release', proposing('v1'), { releases: ['shop:v2', 'v2'] }],
    ['another environment', proposing('v2'), { environment: 'production' }],
    ['another type of decision', proposing('v2', 'release'), {}],
    ['what does not wait for it', proposing('v2'), { after: false }],
  ])('needs one for %s', (_, decision, given) => {
    expect(decidedFor(decision, given)).toBe(false)
  })
})

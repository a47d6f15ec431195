/** One task of the demo: asked for like anybody would, approved where that is foreseen, checked against the world. */
import type { Bus } from '@deed/mesh/bus'
import { type ApprovalView, decideApproval, listApprovals } from '@deed/proto/approval'
import { type ExecutionReply, getExecution } from '@deed/proto/execution'
import { defined, type JsonObject } from '@deed/proto/json'
import { chooseReading } from '@deed/proto/person'
import { runTask } from '../following/run-task.ts'
import { checkOutcome, type Verdict } from './check-outcome.ts'
import type { DemoDatabase } from './demo-database.ts'
import type { DemoTask } from './demo-plan.ts'
import type { DemoWorld } from './demo-world.ts'
import { observeWorld } from './observe-world.ts'

const TIMEOUT_MS = 60_000

export interface Performed extends Verdict {
  reply: ExecutionReply
  /** The highest level that was asked for. */
  level: number
  /** Why the highest was asked for, in the words of the policy; empty where nobody was asked. */
  why: string
  /** Who agreed to it; empty where nobody was asked. */
  approvedBy: string
  /** What the demo was asked about the words. */
  asked?: string
  /** What was asked for beforehand, to set the scene. */
  first?: { task: string; level: number; reply: ExecutionReply }
}

export interface Stage {
  bus: Bus
  world: DemoWorld
  database: DemoDatabase
}

/** @throws when nobody answers, or a plan needs more agreement than the demo gives */
export async function performTask({ bus, world, database }: Stage, task: DemoTask): Promise<Performed> {
  const first = task.first && {
    task: task.first.task,
    ...(await ask(bus, { task: task.first.task, context: { workspace: world.workspace } }, task.first.approve)),
  }
  const before = await observeWorld(world, database, task.world)
  const request = {
    task: task.task,
    ...defined({ language: task.language }),
    // The folder is another one at every start, so nothing is answered from an earlier start's cache.
    context: { ...(task.context as JsonObject), workspace: world.workspace },
  }
  const { reply, ...agreement } = await ask(bus, request, task.approve, task.choose)
  const after = await observeWorld(world, database, task.world)
  const verdict = checkOutcome(task, { reply, level: agreement.level, before, after })
  if (first && first.reply.status !== 'done') verdict.wrong.unshift(`"${first.task}" ended as ${first.reply.status}`)
  return { ...verdict, reply, ...agreement, ...(first ? { first } : {}) }
}

async function ask(
  bus: Bus,
  request: Parameters<typeof runTask>[1],
  levelMax: number,
  reading?: string,
): Promise<Pick<Performed, 'reply' | 'level' | 'why' | 'approvedBy' | 'asked'>> {
  let asked: string | undefined
  const reply = await runTask(bus, request, {
    timeoutMs: TIMEOUT_MS,
    onApproval: (approval) => approve(bus, approval, levelMax),
    async onQuestion({ approval_id, question }) {
      asked = question?.text
      const option = question?.options.find((one) => one.reading === reading)?.id
      if (option === undefined) await bus.call(decideApproval, { approval_id, decision: 'deny', reason: NOT_FORESEEN })
      else await bus.call(chooseReading, { approval_id, option })
    },
  })
  // What was really asked and decided, as it is on record.
  const { approvals } = await bus.call(listApprovals, { execution_id: reply.execution_id })
  const { tasks } = await bus.call(getExecution, { execution_id: reply.execution_id })
  const deciders = new Set(approvals.flatMap(({ decided_by: by }) => (by === null ? [] : [by])))
  const level = Math.max(0, ...approvals.map(({ level }) => level), ...tasks.map(({ level }) => level))
  const steps = approvals.flatMap(({ actions }) => actions)
  return {
    reply,
    level,
    why: steps.find((step) => step.level === level)?.why ?? '',
    approvedBy: [...deciders].join(', '),
    ...defined({ asked }),
  }
}

const NOT_FORESEEN = 'the demo expects no such question'

async function approve(bus: Bus, { approval_id: id, level, plan_hash: hash }: ApprovalView, levelMax: number) {
  const agreed = level <= levelMax
  await bus.call(decideApproval, {
    approval_id: id,
    decision: agreed ? 'approve' : 'deny',
    reason: agreed ? 'approved by the demo' : `the demo approves up to level ${levelMax}`,
    plan_hash: hash,
  })
}

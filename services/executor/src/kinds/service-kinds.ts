/** service.start, .stop, .restart and .status, for targets that are processes of this host. */
import { crashPoint } from '@deed/mesh/crash-point'
import { z } from 'zod'
import {
  processOf,
  processTarget,
  type ServiceState,
  serviceState,
  startProcess,
  stateText,
  stopProcess,
} from '../processes/supervised-process.ts'
import type { After, Before, Context, Effect, Kind, Standing, World } from './kind.ts'
import { readingOnly } from './reading-only.ts'

const Input = z.strictObject({ target: z.string().min(1).max(256) })
export type ServiceInput = z.output<typeof Input>

const common = {
  version: 1,
  input: Input,
  example: { target: 'demo-api' },
  async before({ target }: ServiceInput, { world }: Context): Promise<Before> {
    processTarget(world.config, target)
    return { state: stateText(processOf(world, target)) }
  },
  environment: ({ target }: ServiceInput, { config }: World) => processTarget(config, target).environment,
} as const

export const serviceStart: Kind<ServiceInput> = {
  ...common,
  name: 'service.start',
  idempotent: true,
  effectOf: () => 'change',
  summary: ({ target }) => `start ${target}`,
  reversibility: () => 'compensable',
  postcondition: ({ target }) => ({ kind: 'service', target, state: 'running', new_process: false }),
  mayHoldAlready: (_, before) => before.state !== 'stopped',
  async execute({ target }, context, before) {
    context.begin()
    await start(target, context)
    return effectOf(target, context, before, 'started')
  },
  async compensate({ target }, context, before) {
    context.begin()
    if (before.state === 'stopped') await stopProcess(context.world, target)
    return before.state === 'stopped' ? `stopped ${target}` : `left ${target} running, as it was`
  },
  standing: async ({ target }, context, before) => standing(target, context, before, 'running'),
}

export const serviceStop: Kind<ServiceInput> = {
  ...common,
  name: 'service.stop',
  idempotent: true,
  effectOf: () => 'change',
  summary: ({ target }) => `stop ${target}`,
  reversibility: () => 'compensable',
  postcondition: ({ target }) => ({ kind: 'service', target, state: 'stopped', new_process: false }),
  mayHoldAlready: (_, before) => before.state === 'stopped',
  async execute({ target }, context, before) {
    context.begin()
    await stopProcess(context.world, target)
    return effectOf(target, context, before, 'stopped')
  },
  async compensate({ target }, context, before) {
    context.begin()
    if (before.state !== 'stopped') await start(target, context)
    return before.state === 'stopped' ? `left ${target} stopped, as it was` : `started ${target} again`
  },
  standing: async ({ target }, context, before) => standing(target, context, before, 'stopped'),
}

export const serviceRestart: Kind<ServiceInput> = {
  ...common,
  name: 'service.restart',
  // A second restart is a second interruption: after a crash the observation decides whether there was a first.
  idempotent: false,
  effectOf: () => 'change',
  summary: ({ target }) => `restart ${target}`,
  reversibility: () => 'compensable',
  postcondition: ({ target }) => ({ kind: 'service', target, state: 'running', new_process: true }),
  mayHoldAlready: () => false,
  async execute({ target }, context, before) {
    context.begin()
    await stopProcess(context.world, target)
    crashPoint('executor.mid_effect')
    await start(target, context)
    return effectOf(target, context, before, 'restarted')
  },
  async compensate({ target }, context, before) {
    context.begin()
    if (before.state === 'stopped') await stopProcess(context.world, target)
    else if (!(await isUp(target, context))) {
      await stopProcess(context.world, target)
      await start(target, context)
    }
    return before.state === 'stopped' ? `stopped ${target}` : `${target} runs again`
  },
  standing: async ({ target }, context, before) => standing(target, context, before, 'running'),
}

export const serviceStatus: Kind<ServiceInput> = {
  ...readingOnly,
  ...common,
  name: 'service.status',
  summary: ({ target }) => `look whether ${target} runs`,
  postcondition: () => ({ kind: 'same_again' }),
  async execute({ target }, context) {
    return statusEffect(target, await look(target, context))
  },
  async again({ target }, context, first) {
    const second = await look(target, context)
    const now = statusEffect(target, second)
    const same = first.claimed === now.claimed
    if (!same) Object.assign(first, now)
    const observed = same ? `a second look: ${now.result.text}` : `a second look differs: ${now.result.text}`
    return { outcome: same ? 'verified' : 'failed', observed, ...(now.facts ? { facts: now.facts } : {}) }
  },
}

const start = (target: string, { world, signal }: Context): Promise<void> =>
  startProcess(world, target, processTarget(world.config, target), signal)

const look = (target: string, { world, signal }: Context): Promise<ServiceState> =>
  serviceState(world, target, processTarget(world.config, target), signal)

async function isUp(target: string, context: Context): Promise<boolean> {
  const { process, health } = await look(target, context)
  return process !== undefined && health?.ok !== false
}

async function effectOf(target: string, context: Context, before: Before, done: string): Promise<Effect> {
  const { process, health } = await look(target, context)
  const old = pidOf(before.state)
  const pid = process?.pid
  const text =
    pid === undefined
      ? `${done} ${target}`
      : `${done} ${target}: process ${pid}${old === undefined ? '' : `, before ${old}`}`
  const after: After = { state: stateText(process) }
  return {
    claimed: text,
    result: { text, data: { target, pid: pid ?? null, old_pid: old ?? null, health: health?.text ?? null } },
    after,
  }
}

function statusEffect(target: string, { process, health }: ServiceState): Effect {
  const state = process ? 'running' : 'stopped'
  const text = process
    ? `${target} runs as process ${process.pid}${health ? `; ${health.text}` : ''}`
    : `${target} does not run`
  const data = { target, state, pid: process?.pid ?? null, healthy: health?.ok ?? null, health: health?.text ?? null }
  return { claimed: text, result: { text, data }, facts: { state, ...(process ? { pid: process.pid } : {}) } }
}

/** For an undo it counts whether the service runs, not as which process: that one cannot be brought back. */
async function standing(
  target: string,
  context: Context,
  before: Before,
  wanted: 'running' | 'stopped',
): Promise<Standing> {
  const { process, health } = await look(target, context)
  const now = process ? 'running' : 'stopped'
  const up = process !== undefined && health?.ok !== false
  const was = before.state === 'stopped' ? 'stopped' : 'running'
  const observed = process
    ? `${target} runs as process ${process.pid}${health ? `; ${health.text}` : ''}`
    : `${target} does not run`
  const facts = { state: stateText(process) }
  // Running without being healthy is not what was there before.
  if (now === was && (was === 'stopped' || up)) return { at: 'before', observed, facts }
  return { at: now === wanted || !up ? 'after' : 'elsewhere', observed, facts }
}

function pidOf(state: string): number | undefined {
  const [, pid] = /^running:(\d+):/.exec(state) ?? []
  return pid === undefined ? undefined : Number(pid)
}

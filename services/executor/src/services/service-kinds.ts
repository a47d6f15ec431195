/** service.start, .stop, .restart and .status, whatever runs the target. */
import { crashPoint } from '@deed/process/crash-point'
import type { Facts } from '@deed/proto/action'
import { z } from 'zod'
import type { After, Before, Context, Effect, Kind, TargetState, World } from '../kind/kind.ts'
import { readAgain, readingOnly } from '../kind/reading-only.ts'
import { serviceProvider } from './provider-of.ts'
import { refuseMissingProgram } from './refuse-missing-program.ts'
import { describe, type ServiceProvider, type ServiceState, stateText } from './service-provider.ts'

const Input = z.strictObject({ target: z.string().min(1).max(256) })
export type ServiceInput = z.output<typeof Input>

const common = {
  version: 1,
  input: Input,
  example: { target: 'demo-api' },
  async before({ target }: ServiceInput, { world, signal }: Context): Promise<Before> {
    return { state: stateText(await serviceProvider(world, target).state(signal)) }
  },
  environment: ({ target }: ServiceInput, world: World) => serviceProvider(world, target).environment,
} as const

/** What would run after it. */
async function resolves({ target }: ServiceInput, world: World, signal: AbortSignal): Promise<Facts> {
  const facts = (await serviceProvider(world, target).resolves?.(signal)) ?? {}
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [`${target}.${name}`, value]))
}

/** A restart of what cannot be started would only stop it. */
const refuse = ({ target: name }: ServiceInput, { world }: Context): void => {
  const target = world.config.targets[name]
  if (target?.type === 'process') refuseMissingProgram(name, target)
}

export const serviceStart: Kind<ServiceInput> = {
  ...common,
  name: 'service.start',
  idempotent: true,
  effectOf: () => 'change',
  summary: ({ target }) => `start ${target}`,
  resolves,
  refuse,
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
    if (before.state !== 'stopped') return `left ${target} running, as it was`
    return withEnding(`stopped ${target}`, await stop(target, context))
  },
  targetState: async ({ target }, context, before) => targetState(target, context, before, 'running'),
}

export const serviceStop: Kind<ServiceInput> = {
  ...common,
  name: 'service.stop',
  idempotent: true,
  effectOf: () => 'change',
  summary: ({ target }, before, world) => `stop ${target}${ending(target, before, world)}`,
  reversibility: () => 'compensable',
  postcondition: ({ target }) => ({ kind: 'service', target, state: 'stopped', new_process: false }),
  mayHoldAlready: (_, before) => before.state === 'stopped',
  async execute({ target }, context, before) {
    context.begin()
    const killed = await stop(target, context)
    return effectOf(target, context, before, 'stopped', killed)
  },
  async compensate({ target }, context, before) {
    context.begin()
    if (before.state !== 'stopped') await start(target, context)
    return before.state === 'stopped' ? `left ${target} stopped, as it was` : `started ${target} again`
  },
  targetState: async ({ target }, context, before) => targetState(target, context, before, 'stopped'),
}

export const serviceRestart: Kind<ServiceInput> = {
  ...common,
  name: 'service.restart',
  // A second restart is a second interruption: after a crash the observation decides whether there was a first.
  idempotent: false,
  effectOf: () => 'change',
  summary: ({ target }, before, world) => `restart ${target}${ending(target, before, world)}`,
  resolves,
  refuse,
  reversibility: () => 'compensable',
  postcondition: ({ target }) => ({ kind: 'service', target, state: 'running', new_process: true }),
  mayHoldAlready: () => false,
  async execute({ target }, context, before) {
    const provider = serviceProvider(context.world, target)
    context.begin()
    const killed = provider.restart
      ? await provider.restart(context.signal).then(() => undefined)
      : await stopAndStart(provider, context)
    return effectOf(target, context, before, 'restarted', killed)
  },
  async compensate({ target }, context, before) {
    context.begin()
    if (before.state === 'stopped') return withEnding(`stopped ${target}`, await stop(target, context))
    if (await isUp(target, context)) return `${target} runs again`
    const killed = await stop(target, context)
    await start(target, context)
    return withEnding(`${target} runs again`, killed)
  },
  targetState: async ({ target }, context, before) => targetState(target, context, before, 'running'),
}

export const serviceStatus: Kind<ServiceInput> = {
  ...readingOnly,
  ...common,
  name: 'service.status',
  summary: ({ target }) => `check whether ${target} runs`,
  postcondition: () => ({ kind: 'same_again' }),
  async execute({ target }, context) {
    return statusEffect(target, await stateOf(target, context))
  },
  async again({ target }, context, first) {
    return readAgain(first, statusEffect(target, await stateOf(target, context)))
  },
}

const start = (target: string, { world, signal }: Context): Promise<void> =>
  serviceProvider(world, target).start(signal)

const stop = (target: string, { world, signal }: Context): Promise<string | undefined> =>
  serviceProvider(world, target).stop(signal)

async function stopAndStart(provider: ServiceProvider, { signal }: Context): Promise<string | undefined> {
  const killed = await provider.stop(signal)
  crashPoint('executor.mid_effect')
  await provider.start(signal)
  return killed
}

/** What is done to it where it runs. */
const ending = (target: string, before: Before | undefined, world: World | undefined): string =>
  world && before?.state !== 'stopped' ? `: it ${serviceProvider(world, target).stopsBy}` : ''

const withEnding = (done: string, killed: string | undefined): string =>
  killed === undefined ? done : `${done} (${killed})`

const stateOf = (target: string, { world, signal }: Context): Promise<ServiceState> =>
  serviceProvider(world, target).state(signal)

async function isUp(target: string, context: Context): Promise<boolean> {
  const { running, health } = await stateOf(target, context)
  return running !== undefined && health?.ok !== false
}

async function effectOf(
  target: string,
  context: Context,
  before: Before,
  done: string,
  killed?: string,
): Promise<Effect> {
  const now = await stateOf(target, context)
  const { running, health } = now
  const old = pidOf(before.state)
  const pid = running?.pid
  const text = withEnding(
    running ? `${done} ${target}: ${running.text}${old === undefined ? '' : `, before ${old}`}` : `${done} ${target}`,
    killed,
  )
  const after: After = { state: stateText(now) }
  return {
    claimed: text,
    result: { text, data: { target, pid: pid ?? null, old_pid: old ?? null, health: health?.text ?? null } },
    after,
    ...(killed === undefined ? {} : { facts: { stopped_by: killed } }),
  }
}

function statusEffect(target: string, seen: ServiceState): Effect {
  const { running, health } = seen
  const state = running ? 'running' : 'stopped'
  const text = describe(target, seen)
  const pid = running?.pid ?? null
  const data = { target, state, pid, healthy: health?.ok ?? null, health: health?.text ?? null }
  return { claimed: text, result: { text, data }, facts: { state, ...(pid === null ? {} : { pid }) } }
}

/** For an undo it counts whether the service runs, not as which process: that one cannot be brought back. */
async function targetState(
  target: string,
  context: Context,
  before: Before,
  wanted: 'running' | 'stopped',
): Promise<TargetState> {
  const found = await stateOf(target, context)
  const { running, health } = found
  const now = running ? 'running' : 'stopped'
  const up = running !== undefined && health?.ok !== false
  const was = before.state === 'stopped' ? 'stopped' : 'running'
  const observed = describe(target, found)
  const facts = { state: stateText(found) }
  // Running without being healthy is not what was there before.
  if (now === was && (was === 'stopped' || up)) return { at: 'before', observed, facts }
  return { at: now === wanted || !up ? 'after' : 'elsewhere', observed, facts }
}

function pidOf(state: string): number | undefined {
  const [, pid] = /^running:(\d+):/.exec(state) ?? []
  return pid === undefined ? undefined : Number(pid)
}

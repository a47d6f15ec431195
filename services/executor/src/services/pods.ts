/** The pods of a deployment: how often their containers were restarted, and what keeps one from running. */
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import { parseAnswer } from './client-program.ts'
import type { Kubectl } from './kubectl.ts'

export interface Pods {
  /** Of all containers together. */
  readonly restarts: number
  /** Since the container that was started last, in milliseconds; absent: none runs. */
  readonly ageMs?: number
  /** Why a container does not run, in words. */
  readonly doubts: readonly string[]
}

const Container = z.object({
  name: z.string(),
  restartCount: z.int().min(0).default(0),
  state: z
    .object({
      running: z.object({ startedAt: z.string() }).optional(),
      waiting: z.object({ reason: z.string().default('no reason') }).optional(),
      terminated: z.object({ exitCode: z.int() }).optional(),
    })
    .prefault({}),
  lastState: z.object({ terminated: z.object({ exitCode: z.int() }).optional() }).prefault({}),
})
type Container = z.output<typeof Container>

const Listed = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), deletionTimestamp: z.string().optional() }),
      status: z.object({ containerStatuses: z.array(Container).default([]) }).prefault({}),
    }),
  ),
})

/** @returns undefined where the cluster does not let us list pods @throws {DeedError} `unavailable` */
export async function podsOf({ run }: Kubectl, selector: string, signal: AbortSignal): Promise<Pods | undefined> {
  const listed = await run(['get', 'pods', `--selector=${selector}`, '--output=json'], signal).catch(
    (error: unknown) => {
      if (error instanceof DeedError && /\(Forbidden\)/.test(error.message)) return undefined
      throw error
    },
  )
  return listed && podsIn(listed.stdout)
}

function podsIn(stdout: string): Pods {
  const pods = parseAnswer('kubectl', Listed, stdout).items.filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  )
  const containers = pods.flatMap(({ metadata, status }) =>
    status.containerStatuses.map((container) => ({ pod: metadata.name, container })),
  )
  const starts = containers.flatMap(({ container: { state } }) => state.running?.startedAt ?? [])
  const age = Date.now() - Math.max(...starts.map((at) => Date.parse(at)))
  return {
    restarts: containers.reduce((sum, { container }) => sum + container.restartCount, 0),
    ...(age >= 0 && Number.isFinite(age) ? { ageMs: age } : {}),
    doubts: containers.flatMap(({ pod, container }) => doubtOf(pod, container)),
  }
}

function doubtOf(pod: string, { name, state, lastState }: Container): string[] {
  const { waiting, terminated } = state
  const exitCode = (terminated ?? lastState.terminated)?.exitCode
  const after = exitCode === undefined ? '' : `, after exit code ${exitCode}`
  if (waiting) return [`${name} of ${pod} waits: ${waiting.reason}${after}`]
  return terminated ? [`${name} of ${pod} has ended${after}`] : []
}

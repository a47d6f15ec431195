/** What actions would meet and do, for the person who decides on them. */
import { errorBody, type Handler } from '@deed/mesh/bus'
import type { Action, inspectAction as contract, Inspection } from '@deed/proto/action'
import type { ErrorBody } from '@deed/proto/errors'
import { defined, type JsonObject } from '@deed/proto/json'
import { redactValue } from '@deed/telemetry/redact'
import { beforehand, refuseUselessProof } from '../attempt/beforehand.ts'
import { resolvedBy } from '../attempt/resolved.ts'
import { type Context, OBSERVE_ONLY, type World } from '../kind/kind.ts'
import { inputOf, kindOf, postconditionOf } from '../kinds/kinds.ts'
import { beforeOf } from '../observing/noted.ts'
import type { Ledger } from '../store/ledger.ts'
import { noBlobs } from '../workspace/blobs.ts'
import { resolveWorkspace } from '../workspace/workspace.ts'

interface Dependencies {
  world: World
  /** Absent: nothing is known of what was done before. */
  ledger?: Pick<Ledger, 'findDone'>
}

export function inspectAction({ world, ledger }: Dependencies): Handler<typeof contract> {
  // Looking keeps nothing: what an undo needs is kept when there is an intent.
  const looking = { ...world, blobs: noBlobs }
  return async ({ actions }, { principal, deadline }) => {
    const signal = AbortSignal.timeout(Math.max(1, Math.round(deadline - performance.now())))
    const inspections: ({ inspection: Inspection } | { error: ErrorBody })[] = []
    for (const [index, action] of actions.entries()) {
      try {
        const context = {
          ...{ earlier: actions.slice(0, index), signal },
          doneBefore: async () => ledger?.findDone(principal.tenant, action),
        }
        inspections.push({ inspection: await inspect(action, looking, context) })
      } catch (error) {
        inspections.push({ error: redactValue(errorBody(error)) })
      }
    }
    return { inspections }
  }
}

const DIFF_CHARS_MAX = 65_536
const STATE_CHARS_MAX = 256
const SUMMARY_CHARS_MAX = 4_096
/** Long arguments are in the diff, or in the action itself. */
const RESOLVED_CHARS_MAX = 1_000

async function inspect(
  action: Action,
  world: World,
  known: LookingAt & { earlier: readonly Action[] },
): Promise<Inspection> {
  const kind = await kindOf(action, world, false)
  const input = inputOf(kind, action)
  const { earlier } = known
  const context = observingContext(action, world, known)
  const before = await beforeOf(kind, input, context)
  const found = await beforehand(kind, input, context, before)
  // An earlier step may make it hold no more.
  if (earlier.length === 0) refuseUselessProof(kind, found)
  const alreadySo = found?.nothingLeft === true
  if (found && !alreadySo) before.held = true
  const observes = postconditionOf(kind, action, input, before)
  if (!alreadySo && !earlier.some(({ kind: name }) => mayRemedy(name))) await kind.refuse?.(input, context, before)
  const diff = kind.diff?.(input, context, before)
  const reversibility = kind.reversibility(input, before)
  const because = reversibility === 'irreversible' ? kind.irreversibleBecause?.(before) : undefined
  const summary = `${kind.summary(input, before, world)}${because === undefined ? '' : `; it cannot be undone: ${because}`}`
  const environment = kind.environment?.(input, world)
  const sandbox = kind.confinement?.(input, world)
  const inspection = redactValue({
    effect: kind.effectOf(input, world, before),
    reversibility,
    already_so: alreadySo,
    state_before: before.state.slice(0, STATE_CHARS_MAX),
    summary: summary.slice(0, SUMMARY_CHARS_MAX),
    ...(diff === undefined ? {} : { diff: diff.slice(0, DIFF_CHARS_MAX) }),
    ...defined({ environment, sandbox }),
    observes,
    resolved: shortened(input),
  })
  // Without secrets as they are; redacting by the names of files would hide which of them have changed.
  return {
    ...inspection,
    means: await resolvedBy(kind, input, context),
    ...(kind.namedFiles ? { files: kind.namedFiles(input, context) } : {}),
  }
}

/** Whether a step may do away with what a later one would be refused for: kinds that name their files do not. */
const mayRemedy = (kind: string): boolean => !/^(?:file|dir|code|git|sql|http|wait)\./.test(kind)

type LookingAt = Pick<Context, 'signal'> & Partial<Pick<Context, 'earlier' | 'doneBefore'>>

/** Of what only looks. */
export function observingContext(
  action: Action,
  world: World,
  { signal, doneBefore = async () => undefined, earlier = [] }: LookingAt,
): Context {
  return {
    world,
    // No attempt, so no id: nothing is named after it, since nothing is begun.
    actionId: OBSERVE_ONLY,
    action,
    earlier,
    get workspace() {
      return resolveWorkspace(world.config, action.workspace)
    },
    signal,
    begin() {
      throw new Error('an inspection must not change anything')
    },
    nothingDone() {},
    left() {},
    checkRight() {},
    async resolveAbandoned() {},
    writtenByOthers: async () => new Set(),
    doneBefore,
  }
}

function shortened(input: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) =>
      typeof value === 'string' && value.length > RESOLVED_CHARS_MAX
        ? [name, `${value.slice(0, RESOLVED_CHARS_MAX)} ... (${value.length} characters)`]
        : [name, value],
    ),
  )
}
